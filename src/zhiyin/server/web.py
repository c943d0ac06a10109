"""The web server: every room's routes in one application, with the live state they answer from."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import Parameter
from litestar.static_files import create_static_files_router
from sqlalchemy import text

import zhiyin
from zhiyin import atlas, cloud, command, decide, lake, network, vitals
from zhiyin.atlas.http import router as atlas_router
from zhiyin.atlas.ogc import ogc_router
from zhiyin.command.http import router as command_router
from zhiyin.kernel import Fault, Words, WorldFault, fixed_id
from zhiyin.lake.http import router as lake_router
from zhiyin.network.again import FrameReader
from zhiyin.network.devices_http import Devices
from zhiyin.network.devices_http import router as devices_router
from zhiyin.network.directory import follow
from zhiyin.network.gat1400.http import vision_router
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.http import router as network_router
from zhiyin.network.payload.http import push_router
from zhiyin.network.pull.http import pull_router
from zhiyin.network.sensorthings.adopt import Named
from zhiyin.network.sensorthings.http import router as sensorthings_router
from zhiyin.network.sensorthings.service import Sensing
from zhiyin.network.vision import Vision
from zhiyin.server.advice import ElementsOfType, RecentCourses, RuleFloors
from zhiyin.server.brain import Brain, load_brain
from zhiyin.server.mirror import Mirror
from zhiyin.server.surfaces import ElementFields, Surfaces
from zhiyin.vitals.http import router as vitals_router
from zhiyin.watch.http import router as watch_router

log = structlog.get_logger()
PROBLEM = "application/problem+json"
# No script, font or picture from anywhere else; the district's network has no internet anyway.
SAFETY = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; worker-src 'self' blob:;"
    " style-src 'self'; img-src 'self' data: blob:; frame-ancestors 'self';"
    " base-uri 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
STATIC = Path(zhiyin.__file__).parent / "static"


def told(request: Request[Any, Any, Any], fault: Fault) -> Response[bytes]:
    """Answer a fault as an RFC 9457 problem."""
    if fault.status >= 500:
        log.warning("refused", code=fault.code, fault=fault.text("en"), path=request.url.path)
    body = {"type": f"/problems/{fault.code}", "instance": request.url.path, **fault.problem()}
    headers = {"Retry-After": "1"} if isinstance(fault, WorldFault) else {}
    return Response(
        msgspec.json.encode(body), media_type=PROBLEM, status_code=fault.status, headers=headers
    )


def told_http(request: Request[Any, Any, Any], fault: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses in the same form."""
    extra = fault.extra if isinstance(fault.extra, list) else []
    body = {
        "type": "about:blank", "title": fault.detail, "status": fault.status_code,
        "instance": request.url.path, "code": f"http-{fault.status_code}", "fields": extra,
    }  # fmt: skip
    return Response(
        msgspec.json.encode(body), media_type=PROBLEM, status_code=fault.status_code,
        headers=fault.headers,
    )  # fmt: skip


def told_crash(request: Request[Any, Any, Any], fault: Exception) -> Response[bytes]:
    """Answer what nobody foresaw, with a number by which it is found in the log."""
    number = fixed_id(time.time_ns())[:8]
    log.error("crash", number=number, path=request.url.path, exc_info=fault)
    body = {
        "type": "/problems/server-500", "status": 500, "code": "server-500",
        "title": f"程序出错,编号 {number}。", "title_en": f"Something broke here, number {number}.",
        "detail": "把编号告诉管理员。", "detail_en": "Tell the administrator the number.",
        "instance": request.url.path,
    }  # fmt: skip
    return Response(msgspec.json.encode(body), media_type=PROBLEM, status_code=500)


class Web:
    """The application of one brain."""

    def __init__(self, brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
        self.brain, self.bus, self.database = brain, bus, database
        self.clock = brain.clock
        self.door = network.Door(brain.settings, brain.clock, bus, database, brain.declared)
        self.history = lake.Observations(brain.settings.folder / "lake")
        self.mirror = Mirror(bus, self.door.register, self.history)
        self.frames = FrameReader(brain.templates, brain.types)
        self.vision = Vision(
            brain.settings, brain.clock, database, self.door, brain.templates, brain.types
        )
        self.health_of = network.Health(
            brain.settings.health, brain.clock, bus, brain.templates, self.mirror.latest_of
        )
        self.sensing = Sensing(brain.settings, brain.clock, bus, database, self.door, self.names_of)
        self.cases = command.Cases(database, brain.clock, brain.cases)
        self.fields = fields = ElementFields(database)
        self.vitals = vitals.Vitals(brain.indicators, self.mirror, fields, brain.clock)
        self.surfaces = Surfaces(
            brain, bus, database, self.mirror, self.history, self.cases, self.vitals, fields
        )

    def latest_of(self, thing: str) -> dict[str, Any] | None:
        return self.mirror.latest_of(thing)

    def level_of(self, thing: str) -> str | None:
        return self.surfaces.level_of(thing)

    async def names_of(self, things: Iterable[str]) -> dict[str, Named]:
        """Return what things are called and where they stand."""
        wanted = set(things)
        async with self.database.read() as session:
            elements = await atlas.elements(session)
        return {
            one.id: Named(Words(one.name, one.name_en or one.name), (one.place.lon, one.place.lat))
            for one in elements
            if one.id in wanted
        }

    @asynccontextmanager
    async def lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        await self.door.open()
        await self.mirror.open()
        await self.health_of.open()
        # One reading of the register for all who look senders up in it.
        senders = [*self.frames.directories.values(), self.vision.directory]
        await follow(senders, self.database, self.bus)
        await self.surfaces.open()
        tasks = [
            asyncio.create_task(work)
            for work in (
                self.mirror.follow(),
                self.surfaces.run(),
                cloud.poke_after_writes(self.database, self.bus),
            )
        ]
        yield
        self.surfaces.hub.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.bus.close()
        await self.database.close()

    def health(self) -> Router:
        @get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
        def healthz() -> str:
            return "ok"

        @get("/readyz")
        async def readyz() -> Response[dict[str, bool]]:
            state = {
                "bus": self.bus.connected, "sense": self.mirror.ready, "database": True,
                "gateway": self.health_of.heard_of(self.brain.settings.gateways.on),
            }  # fmt: skip
            try:
                async with self.database.read() as session:
                    await session.execute(text("SELECT 1"))
            except Exception:  # noqa: BLE001  (whatever it is, the store is not ready)
                state["database"] = False
            return Response(state, status_code=200 if all(state.values()) else 503)

        @get("/metrics", media_type="text/plain; version=0.0.4", sync_to_thread=True)
        def metrics() -> bytes:
            return cloud.metrics_page()

        return Router("", route_handlers=[healthz, readyz, metrics], include_in_schema=False)

    def api(self) -> Router:
        brain = self.brain

        @get("/latest", sync_to_thread=False)
        def latest(
            type_: str | None = Parameter(query="type", default=None), thing: str | None = None
        ) -> list[dict[str, Any]]:
            return self.mirror.latest(type_, thing)

        @get("/plan", sync_to_thread=False)
        def plan() -> list[dict[str, Any]]:
            return [
                {
                    "row": row.row, "state": row.state, "pack": one.key,
                    "title": one.manifest.title.zh, "title_en": one.manifest.title.en,
                    "lead": one.manifest.lead.zh, "lead_en": one.manifest.lead.en,
                    "rules": [rule.key for rule in brain.rules if rule.pack == one.key],
                    "indicators": [i.key for i in brain.indicators if i.pack == one.key],
                }
                for one in brain.packs
                for row in one.manifest.plan
            ]  # fmt: skip

        return Router(
            "/api/v1",
            route_handlers=[
                network_router(brain.settings, self.database, self.door, self.frames),
                devices_router(
                    Devices(
                        brain.settings,
                        brain.clock,
                        self.bus,
                        self.database,
                        self.door,
                        brain.types,
                        brain.templates,
                        self.health_of,
                    )
                ),
                push_router(brain.settings, brain.clock, self.door),
                pull_router(brain.settings, brain.clock, self.bus, self.database, brain.declared),
                lake_router(brain.clock, self.history),
                watch_router(self.database, brain.clock),
                command_router(self.cases),
                vitals_router(self.vitals),
                atlas_router(self),
                ogc_router(self),
                latest,
                plan,
                *self.surfaces.routers(),
                decide.router(
                    RecentCourses(self.history, self.door.register, brain.clock),
                    RuleFloors(brain, self.door.register),
                    ElementsOfType(self.fields),
                ),
            ],
        )

    def cameras(self) -> Router:
        """Return the routes of GA/T 1400, at the root: cameras know no prefix."""
        own, vision = self.brain.settings.vision, self.vision
        limits = Limits(server=own.server, people=own.people)
        return vision_router(limits, self.clock, vision.find, vision.report, vision.refuse)

    def app(self) -> Litestar:
        handlers: list[Any] = [
            self.health(), self.api(), self.cameras(), sensorthings_router(self.sensing)
        ]  # fmt: skip
        if STATIC.exists():
            handlers += _pages()
        return Litestar(
            handlers,
            lifespan=[self.lifespan],
            exception_handlers={
                Fault: told,
                HTTPException: told_http,
                Exception: told_crash,
            },
            openapi_config=OpenAPIConfig(
                title="Zhiyin 知音",
                version=zhiyin.__version__,
                path="/schema",
                render_plugins=[JsonRenderPlugin()],
            ),
            compression_config=CompressionConfig(backend="gzip", gzip_compress_level=4),
            logging_config=None,
            response_headers=SAFETY,
        )


def _pages() -> list[Any]:
    routes: list[Any] = [
        create_static_files_router(
            path="/assets",
            directories=[STATIC / "assets"],
            cache_control=CacheControlHeader(max_age=31_536_000, immutable=True, public=True),
        )
    ]
    pages = {"/": "index", "/wall": "wall", "/bench": "bench", "/portal": "portal"}
    for path, name in pages.items():
        routes += [_page(address, f"{name}.html") for address in {path, f"/{name}.html"}]
    kinds = {".svg", ".ico", ".png", ".webmanifest"}
    return routes + [_file(file) for file in STATIC.iterdir() if file.suffix in kinds]


def _page(path: str, name: str) -> Any:
    @get(path, include_in_schema=False, sync_to_thread=True)
    def show() -> Response[bytes]:
        content = (STATIC / name).read_bytes()
        return Response(content, media_type=MediaType.HTML, headers={"Cache-Control": "no-cache"})

    return show


def _file(file: Path) -> Any:
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon"}

    @get(f"/{file.name}", include_in_schema=False, sync_to_thread=True)
    def show() -> Response[bytes]:
        kind = kinds.get(file.suffix, "application/manifest+json")
        return Response(file.read_bytes(), media_type=kind)

    return show


async def serve(settings: cloud.Settings) -> None:
    """Serve until told to end; open streams are given a second."""
    brain = load_brain(settings)
    bus = await cloud.Bus.connect(settings.bus.url, "web")
    database = cloud.Database(settings.database_url, brain.clock)
    app = Web(brain, bus, database).app()
    config = uvicorn.Config(
        app, host=settings.web.host, port=settings.web.port, log_config=None, access_log=False,
        timeout_graceful_shutdown=1, loop="none", http="httptools", server_header=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve()
