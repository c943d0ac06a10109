"""Reading observations: pages, single ones, and what datastreams compute from them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select

from zhiyin import lake
from zhiyin.network.model import Register
from zhiyin.network.sensorthings import merge
from zhiyin.network.sensorthings.faults import BadQuery, NoSuchEntity
from zhiyin.network.sensorthings.judge import Along, Judge
from zhiyin.network.sensorthings.language import Call, Constant, Path, Tree, conjuncts, paths_of
from zhiyin.network.sensorthings.model import OBSERVATION, TRUTH, Entity
from zhiyin.network.sensorthings.options import Options
from zhiyin.network.sensorthings.pushdown import Wanted, to_lake
from zhiyin.network.sensorthings.read import SORTED, Page, Reader, Scope
from zhiyin.network.sensorthings.store import DatastreamRow, ObservationRow
from zhiyin.network.sensorthings.streams import (
    Key,
    Stream,
    about_streams,
    asked_by_id,
    bounds,
    entity_of_number,
    entity_of_row,
    joined,
    moved,
    place_of,
    question_of,
    read_key,
    without,
)
from zhiyin.network.sensorthings.tail import Tail
from zhiyin.network.sensorthings.when import When

SAMPLE = 1_000  # observations of one datastream that a filter from elsewhere looks at
_ID = Path(("id",))
_BY_TIME = {Path(("phenomenonTime",)), _ID}


class Observing:
    """Reads observations from the lake, the tail and the rows of their own."""

    def __init__(self, recorded: lake.Recorded, register: Register, tail: Tail) -> None:
        self.recorded, self.tail = recorded, tail
        self._register = register
        self.stream = ""  # the stream that positions of the lake are of

    async def settle(self) -> None:
        """Let go of what the lake has by now."""
        self.tail.settle(await asyncio.to_thread(self.recorded.position, self.stream))

    async def streams(self, reader: Reader, condition: Any = None) -> dict[int, Stream]:
        found = await reader.session.execute(question_of(condition))
        return {row[0]: Stream(*row) for row in found}

    async def find(self, reader: Reader, id: int | str) -> Entity:  # noqa: A002
        """Return one observation by its id."""
        key, row = read_key(id), ObservationRow
        asked = select(row).where(
            row.datastream == key.datastream, row.time == key.time, row.turn == key.turn
        )
        own = (await reader.session.scalars(asked)).one_or_none()
        if own is not None and own.gone:
            own = (await reader.session.scalars(moved(key))).first() or own
        if own is not None and not own.gone:
            return entity_of_row(own)
        if own is None and key.turn == 0:
            streams = await self.streams(reader, DatastreamRow.number == key.datastream)
            stream = streams.get(key.datastream)
            value = await self.value_of(stream, key.time) if stream is not None else None
            if stream is not None and value is not None:
                return entity_of_number(stream, key.time, value)
        raise NoSuchEntity(f"Observations('{id}')", kind="Observation", id=repr(id))

    async def value_of(self, stream: Stream, time: int) -> float | None:
        """Return the number that the tail or the lake has at a time."""
        value, named = self.tail.value(stream.number, time), stream.named(self._register)
        if value is not None or named is None:
            return value
        asked = lake.Question(time, time + 1)
        rows = await asyncio.to_thread(self.recorded.rows, [named], asked, "t", 1)
        return rows[0][2] if rows else None

    async def page(self, reader: Reader, scope: Scope | None, options: Options) -> Page:
        """Return one page of observations."""
        plan, rest = await self._plan(reader, scope, options)
        judge = Judge(OBSERVATION, rest, reader.now) if rest is not None else None
        orders = options.orderby
        by_time = all(order.by in _BY_TIME for order in orders)
        count = await self._count(plan) if options.counted else None
        bare = plan.rows is None and not plan.tail and plan.exact
        if bare and len(orders) == 1 and orders[0].by == Path(("result",)):
            return await self._by_value(plan, options, count)
        fit: list[Entity] = []
        enough = options.skip + options.page + 1
        passed = 0
        found = merge.merged(reader.session, self.recorded, plan)
        if by_time and orders and orders[0].by == _ID and len(plan.streams) > 1:
            spans = {one.number: await self._span([one]) for one in plan.named}
            found = merge.by_stream(reader.session, self.recorded, plan, spans)
        async for part in found:
            good = await self._fitting(reader, part, judge, rest)
            passed += len(good)
            if by_time and options.counted and count is None:  # count on, but keep only the page
                good = good[: max(0, enough - len(fit))]
            fit += good
            if by_time and len(fit) >= enough and (count is not None or not options.counted):
                break
            if not by_time and len(fit) > SORTED:
                reason = f"more than {SORTED} observations to order; filter them first"
                raise BadQuery("$orderby", option="$orderby", reason=reason)
        if not by_time:
            fit = await reader.ordered(OBSERVATION, fit, orders)
        page = fit[options.skip : enough - 1]
        further = None
        if len(fit) >= enough and page:
            further = (
                options.further(skiptoken=_further(page[-1]))
                if by_time
                else options.further(skip=str(options.skip + options.page))
            )
        return Page(page, passed if options.counted and count is None else count, further)

    async def _fitting(
        self, reader: Reader, part: list[merge.Found], judge: Judge | None, rest: Tree | None
    ) -> list[Entity]:
        if judge is None or rest is None:
            return [one.entity for one in part if one.entity is not None]
        doubtful = [one.entity for one in part if one.entity is not None and not one.judged]
        await reader.fetch(OBSERVATION, doubtful, [rest])
        return [
            one.entity
            for one in part
            if one.entity is not None and (one.judged or judge.fits(one.entity, reader.related))
        ]

    async def _by_value(self, plan: merge.Plan, options: Options, count: int | None) -> Page:
        sorting: lake.Sorting = "value DESC" if options.orderby[0].descending else "value"
        most = options.page + 1
        found = await asyncio.to_thread(
            self.recorded.rows, plan.named, plan.asked, sorting, most, options.skip
        )
        rows = [entity_of_number(plan.streams[n], t, value) for n, t, value in found]
        page = rows[: options.page]
        more = len(rows) > options.page and page
        further = options.further(skip=str(options.skip + options.page)) if more else None
        return Page(page, count, further)

    async def _count(self, plan: merge.Plan) -> int | None:
        """Return how many there are, where the lake can tell; None where one has to look."""
        if plan.rows is not None or not plan.exact or plan.tail:
            return None
        return await asyncio.to_thread(self.recorded.count_of, plan.named, plan.asked)

    async def _plan(
        self, reader: Reader, scope: Scope | None, options: Options
    ) -> tuple[merge.Plan, Tree | None]:
        """Return what to read, and what of the filter is left to judge."""
        await self.settle()
        parts = list(conjuncts(options.filter)) if options.filter is not None else []
        conditions, rest = about_streams(options.filter)
        row = DatastreamRow
        if scope is not None and scope.owner.kind.name == "Datastream":
            conditions.append(row.number == scope.owner.number)
        elif scope is not None:
            feature = scope.owner.number
            own = select(ObservationRow.datastream).where(ObservationRow.feature == feature)
            conditions.append(or_(row.feature == feature, row.number.in_(own)))
            rest.append(Call("eq", (Path(("FeatureOfInterest", "id")), Constant(feature))))
        only = await self._now_at(reader, asked_by_id(parts))
        if only is not None:
            conditions.append(row.number == only.datastream)
        chosen = select(row.number).where(*conditions)
        streams = await self.streams(reader, row.number.in_(chosen) if conditions else None)
        tree = joined(rest)
        wanted = self._wanted(streams, tree)
        start, end = bounds(parts) if only is None else (only.time, only.time + 1)
        rows = merge.rows_of(chosen)
        some = await reader.session.execute(rows.with_only_columns(ObservationRow.number).limit(1))
        named = [n for n in (one.named(self._register) for one in streams.values()) if n]
        asked = lake.Question(start, end, *(wanted[:2] if wanted is not None else ()))
        by = options.orderby
        descending = bool(by and by[0].by in _BY_TIME and by[0].descending)
        plan = merge.Plan(
            streams, named, asked, tree is None or (wanted is not None and wanted.exact),
            self.tail.rows(streams), await self._span(named),
            rows if some.first() is not None else None, descending, _token(options.token),
            max(50, options.skip + options.page + 1),
        )  # fmt: skip
        return plan, tree

    async def _now_at(self, reader: Reader, key: Key | None) -> Key | None:
        """Return where the observation of an id stands now."""
        row = (await reader.session.scalars(moved(key))).first() if key is not None else None
        return key if row is None else Key(row.datastream, row.time, row.turn)

    def _wanted(self, streams: dict[int, Stream], tree: Tree | None) -> Wanted | None:
        if tree is None:
            return None
        truth = any(one.type == TRUTH for one in streams.values())
        if truth and any(parts[0] == "result" for parts in paths_of(tree)):
            return None  # the lake has 1 and 0 where the standard has true and false
        return to_lake(tree)

    async def _span(self, named: Sequence[lake.Named]) -> tuple[int, int] | None:
        spans = await asyncio.to_thread(self.recorded.spans)
        own = [
            spans[one.thing, one.property] for one in named if (one.thing, one.property) in spans
        ]
        return (min(one[0] for one in own), max(one[1] for one in own)) if own else None

    async def complete(self, reader: Reader, datastreams: list[Entity]) -> None:
        """Say from when to when each datastream has observations and results."""
        numbers = [one.number for one in datastreams]
        streams: dict[int, Stream] = {}
        own: dict[int, Any] = {}
        row = ObservationRow
        for at in range(0, len(numbers), 500):
            part = numbers[at : at + 500]
            streams.update(await self.streams(reader, DatastreamRow.number.in_(part)))
            asked = select(
                row.datastream, func.min(row.time), func.max(func.coalesce(row.end, row.time)),
                func.min(row.result_time), func.max(row.result_time),
            ).where(row.datastream.in_(part), row.gone.is_(False))  # fmt: skip
            found = await reader.session.execute(asked.group_by(row.datastream))
            own.update({one[0]: one for one in found})
        spans = await asyncio.to_thread(self.recorded.spans)
        for entity in datastreams:
            stream, told = streams.get(entity.number), own.get(entity.number)
            named = stream.named(self._register) if stream is not None else None
            ends = [self.tail.span(entity.number), (told[1], told[2]) if told else None]
            if named is not None and named.hidden == 0:
                ends.append(spans.get((named.thing, named.property)))
            known = [one for one in ends if one is not None]
            if known:
                first, last = min(one[0] for one in known), max(one[1] for one in known)
                entity.values["phenomenonTime"] = When(first, last)
            if told and told[3] is not None:
                entity.values["resultTime"] = When(told[3], told[4])

    async def sample(
        self, reader: Reader, owners: Sequence[Entity], tree: Tree | None, along: Along
    ) -> dict[int, list[Entity]]:
        """Return observations of several owners that a filter or an order has to look at.

        When the lake can tell which fit, one of each is enough; otherwise the newest `SAMPLE`.
        """
        if owners[0].kind.name != "Datastream":
            options = Options(top=SAMPLE)
            return {
                one.number: (await self.page(reader, Scope(one, along[-1]), options)).entities
                for one in owners
            }
        told, whole = [], True
        for part in conjuncts(tree) if tree is not None else ():
            touching = [one[: len(along)] == along for one in paths_of(part)]
            if touching and all(touching):
                told.append(without(part, len(along)))
            elif any(touching):
                whole = False
        found = await self.newest(reader, owners, joined(told), 1 if told and whole else SAMPLE)
        # Where none fits, another one says that there are some: null is something else.
        empty = [one for one in owners if not found[one.number]] if told else []
        if empty:
            found.update(await self.newest(reader, empty, None, 1))
        return found

    async def newest(
        self, reader: Reader, owners: Sequence[Entity], tree: Tree | None, most: int,
        *, newest: bool = True,
    ) -> dict[int, list[Entity]]:  # fmt: skip
        """Return the newest (or oldest) observations of several datastreams, `most` of each."""
        await self.settle()
        numbers = [one.number for one in owners]
        streams = await self.streams(reader, DatastreamRow.number.in_(numbers))
        row, kept = ObservationRow, dict[Key, Entity | None]()
        order = row.time.desc() if newest else row.time
        asked = select(row).where(row.datastream.in_(numbers)).order_by(order)
        for one in await reader.session.scalars(asked.limit(SAMPLE * 20)):
            key = Key(one.datastream, one.time, one.turn)
            kept[key] = None if one.gone else entity_of_row(one)
        wanted = self._wanted(streams, tree)
        many = SAMPLE if kept or (tree is not None and not (wanted and wanted.exact)) else most
        question = lake.Question()
        if wanted is not None:
            question = question._replace(condition=wanted.sql, parameters=wanted.parameters)
        named = [n for n in (one.named(self._register) for one in streams.values()) if n]
        rows = await asyncio.to_thread(
            self.recorded.each, named, question, max(many, most), newest=newest
        )
        for n, t, value in [*self.tail.rows(numbers), *rows]:
            kept.setdefault(Key(n, t), entity_of_number(streams[n], t, value))
        found: dict[int, list[Entity]] = {number: [] for number in numbers}
        for key in sorted(kept, key=lambda one: (-one.time if newest else one.time, one.turn)):
            entity = kept[key]
            if entity is not None:
                found[key.datastream].append(entity)
        return found if tree is not None else {n: some[:most] for n, some in found.items()}

    def newest_of(self, options: Options) -> bool | None:
        """Return whether newest (True) or oldest come first, None when it takes more than that."""
        simple = not (options.filter or options.skip or options.counted) and options.page < SAMPLE
        if not simple or len(options.orderby) > 1:
            return None
        if not options.orderby:
            return False
        order = options.orderby[0]
        return order.descending if order.by in _BY_TIME else None

    async def pages(
        self, reader: Reader, owners: Sequence[Entity], options: Options, *, newest: bool
    ) -> list[Page]:
        """Return the first page of each datastream's observations, all at once."""
        found = await self.newest(reader, owners, None, options.page + 1, newest=newest)
        pages = []
        for owner in owners:
            page = found[owner.number][: options.page]
            further = None
            if len(found[owner.number]) > options.page and page:
                further = options.further(skiptoken=_further(page[-1]))
            pages.append(Page(page, None, further))
        return pages


def _further(last: Entity) -> str:
    key = place_of(last)
    return f"{key.time}.{key.datastream}.{key.turn}"


def _token(said: str | None) -> Key | None:
    if said is None:
        return None
    try:
        time, datastream, turn = (int(part) for part in said.split("."))
    except ValueError as fault:
        raise BadQuery("$skiptoken", option="$skiptoken", reason=f"{said!r} is none") from fault
    return Key(datastream, time, turn)
