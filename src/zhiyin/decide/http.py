"""决策研判:the routes of advice."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from litestar import Router, get
from litestar.params import FromQuery, QueryParameter
from numpy.typing import NDArray

from zhiyin.decide.model import LAST, Floor, Located, UnknownSeries, nearest, outlook
from zhiyin.kernel import Place


class Course(NamedTuple):
    """The last values of one series, times in UTC ms."""

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    unit: str


class Courses(Protocol):
    """Where recent values are: the lake."""

    async def last(self, thing: str, property: str, n: int) -> Course | None:  # noqa: A002
        """Return at most the last `n` values, None when there is no such series."""
        ...


class Floors(Protocol):
    """Where the levels of rules are: the watch room."""

    def of(self, thing: str, property: str) -> Sequence[Floor]:  # noqa: A002
        """Return the floors of all rules that watch this property of this thing."""
        ...


class Elements(Protocol):
    """Where things with a place are: the atlas."""

    def of_type(self, type: str) -> Sequence[Located]: ...  # noqa: A002


def router(courses: Courses, floors: Floors, elements: Elements) -> Router:
    """Return the routes of advice, to be mounted under the API's path."""

    @get("/decide/outlook", summary="When the next warning level would be reached, and how sure")
    async def look_ahead(
        thing: FromQuery[str],
        of: Annotated[str, QueryParameter(name="property")],
    ) -> dict[str, Any]:
        course = await courses.last(thing, of, LAST)
        if course is None:
            raise UnknownSeries("thing, property", thing=thing, property=of)
        told = outlook(course.times, course.values, floors.of(thing, of), course.unit)
        return {"thing": thing, "property": of, **told}

    @get("/decide/nearest", summary="The nearest things of a type, by straight distance")
    async def look_near(
        lon: Annotated[float, QueryParameter(ge=-180, le=180)],
        lat: Annotated[float, QueryParameter(ge=-90, le=90)],
        kind: Annotated[str, QueryParameter(name="type")],
        k: Annotated[int, QueryParameter(ge=1, le=100)] = 3,
    ) -> list[dict[str, Any]]:
        found = nearest(elements.of_type(kind), Place(lon, lat), kind, k)
        return [
            {"id": one.id, "type": one.type, "name": one.name, "place": list(one.place),
             "metres": one.metres}
            for one in found
        ]  # fmt: skip

    return Router(path="/", tags=["decide 决策研判"], route_handlers=[look_ahead, look_near])
