"""一平台:the routes of the wall and of the live stream."""

from litestar import Router, get
from litestar.params import FromQuery
from litestar.response import Stream

from zhiyin.operations.live import HEADERS, Hub
from zhiyin.operations.model import Json
from zhiyin.operations.wall import Wall


def router(wall: Wall, hub: Hub) -> Router:
    """Return the routes of the staff's surfaces, to be mounted under the API's path."""

    @get("/wall", summary="Everything the wall shows now")
    async def show_wall() -> Json:
        return await wall.now()

    @get("/live", summary="Server-sent events: snapshot, then changes, of the topics asked for")
    async def listen(topics: FromQuery[str] = "") -> Stream:
        wanted = [topic.strip() for topic in topics.split(",") if topic.strip()]
        return Stream(hub.listen(wanted), media_type="text/event-stream", headers=HEADERS)

    return Router(path="/", tags=["operations 一平台"], route_handlers=[show_wall, listen])
