"""Routes of the lake: series, aggregates and latest values."""

import asyncio
from typing import Annotated, Any, Literal

from litestar import Router, get
from litestar.params import Parameter

from zhiyin.kernel import DAY, CallerFault, Clock, Words, iso, moment_of, parse_time
from zhiyin.lake.flags import shown
from zhiyin.lake.query import LONGEST, STEPS, Observations


class NoTime(CallerFault):
    """A parameter that is no time."""

    code = "lake-020"
    what = Words(
        "{name} 是 {value},应为 RFC 3339 时间。",
        "{name} is {value}; it should be an RFC 3339 time.",
    )
    do = Words("例如 2026-07-05T14:00:00+08:00。", "For example 2026-07-05T14:00:00+08:00.")


def _moment(said: str) -> int:
    date, _, rest = said.strip().partition(" ")
    # A "+" in a query string arrives as a space, which may also part date from time.
    if ":" in date:
        said = f"{date}+{rest}" if rest else date
    elif rest:
        said = f"{date}T{rest.replace(' ', '+')}"
    moment = parse_time(said)
    moment_of(moment)  # in UTC it may lie before the first year
    return moment


def span(clock: Clock, start: str | None, end: str | None) -> tuple[int, int]:
    """Return [start, end) in ms; by default the last day."""
    moments = []
    for name, said, default in (("to", end, clock.now() + 1), ("from", start, None)):
        try:
            # A "+" in a query string arrives as a space.
            moments.append(_moment(said) if said else default)
        except (ValueError, OverflowError) as fault:
            raise NoTime(name, name=name, value=repr(said)) from fault
    until, since = moments
    assert until is not None
    return (since if since is not None else until - DAY), until


def router(clock: Clock, observations: Observations) -> Router:
    """Return the room's routes."""

    @get("/series/{thing:str}/{prop:str}/observations")
    async def history(
        thing: str, prop: str,
        start: str | None = Parameter(query="from", default=None),
        end: str | None = Parameter(query="to", default=None),
        limit: Annotated[int, Parameter(ge=1, le=LONGEST)] = 1000,
    ) -> list[dict[str, Any]]:  # fmt: skip
        since, until = span(clock, start, end)
        rows = await asyncio.to_thread(observations.series, thing, prop, since, until, limit)
        return [
            {"time": iso(t), "value": value, "quality": quality, "position": position,
             "flags": shown(flags)}
            for t, value, quality, position, flags in rows
        ]  # fmt: skip

    @get("/series/{thing:str}/{prop:str}/aggregates")
    async def aggregates(
        thing: str, prop: str,
        start: str | None = Parameter(query="from", default=None),
        end: str | None = Parameter(query="to", default=None),
        every: Literal["10min", "1h", "1d"] = "1h",
        good: bool = False,  # noqa: FBT001, FBT002  (a parameter of the address)
    ) -> list[dict[str, Any]]:  # fmt: skip
        since, until = span(clock, start, end)
        rows = await asyncio.to_thread(
            observations.aggregates, thing, prop, since, until, STEPS[every], good=good
        )
        return [
            {"time": iso(row.time), "count": row.used, "min": row.min, "mean": row.mean,
             "max": row.max, "sum": row.sum, "flags": row.flags}
            for row in rows
        ]  # fmt: skip

    return Router("", route_handlers=[history, aggregates], tags=["lake 一个湖"])
