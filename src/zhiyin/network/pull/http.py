"""Routes of pulls: what is fetched, how it went, and to fetch now."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import HeaderParameter

from zhiyin.cloud import Bus, Database, PullSettings, Settings
from zhiyin.kernel import Clock, iso
from zhiyin.network.declared import Declared
from zhiyin.network.pull import store
from zhiyin.network.pull.address import ASKED, shown
from zhiyin.network.pull.declared import DeclaredPull
from zhiyin.network.pull.faults import NoSuchPull, PullBusy, SourceUnset

_TIMES = ("next_at", "started_at", "ended_at", "good_at")


def _told(
    one: DeclaredPull, address: PullSettings | None, state: store.PullState, now: int
) -> dict[str, Any]:
    """Return a pull as it is shown; of its address neither user nor secret."""
    pull, word = one.pull, state.state
    if address is None or address.off:
        word = "off" if address else "no_address"
    elif word == "running" and state.held_until < now:
        word = "interrupted"
    elif word == "waiting" and state.failures:
        word = "failing"
    return {
        "key": pull.pull, "pack": one.pack, "title": pull.title.zh,
        "title_en": pull.title.en, "from": pull.from_, "every": pull.every, "state": word,
        "address": shown(address.url) if address else "",
        **{name: iso(at) if (at := getattr(state, name)) else None for name in _TIMES},
        "failures": state.failures, "watermark": state.watermark,
        "result": state.result, "fault": state.fault or None,
    }  # fmt: skip


def pull_router(
    settings: Settings, clock: Clock, bus: Bus, database: Database, declared: Declared
) -> Router:
    """Return `GET /pulls` and `POST /pulls/{key}/run`."""

    @get("/pulls")
    async def list_pulls() -> list[dict[str, Any]]:
        async with database.read() as session:
            states = await store.pull_states(session)
        return [
            _told(one, settings.pull.get(key), states.get(key, store.PullState(key)), clock.now())
            for key, one in sorted(declared.pulls.items())
        ]

    @post("/pulls/{key:str}/run", status_code=202)
    async def run_pull(
        key: str,
        *,
        again: bool = False,
        user: Annotated[str, HeaderParameter(name="X-Zhiyin-User")] = "user:duty",
    ) -> dict[str, Any]:
        """Fetch now; `again` forgets how far it has come, so that all is fetched once more."""
        one = declared.pulls.get(key)
        if one is None:
            raise NoSuchPull(pull=key[:80])
        if key not in settings.pull or settings.pull[key].off:
            raise SourceUnset(pull=key, reason="it has no table [pull." + key + "], or is off")
        async with database.write(user) as session:
            await store.know(session, key)
        async with database.write(user) as session:
            state = await store.pull_state(session, key)
            if again and state.state == "running" and state.held_until >= clock.now():
                raise PullBusy(pull=key)
            await store.change(session, key, asked_at=max(clock.now(), state.started_at + 1))
            if again:
                await store.change(session, key, watermark=None, validators={})
                await store.forget_files(session, key, set())
        await bus.notify(ASKED, key.encode())
        return _told(one, settings.pull[key], state, clock.now())

    return Router("", route_handlers=[list_pulls, run_pull], tags=["network 一张网"])
