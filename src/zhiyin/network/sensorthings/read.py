"""Reading entities: one by id, pages of collections, what links lead to."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.network.sensorthings.faults import BadQuery, NoSuchEntity
from zhiyin.network.sensorthings.judge import Along, Judge, check, prefixes
from zhiyin.network.sensorthings.language import Path, Tree
from zhiyin.network.sensorthings.model import KINDS, Entity, Kind
from zhiyin.network.sensorthings.options import Options, Order
from zhiyin.network.sensorthings.pushdown import Condition, to_sql
from zhiyin.network.sensorthings.store import ROWS, WAYS, entity_of, numbers_of
from zhiyin.network.sensorthings.when import When

CHUNK = 500  # entities looked at together
SORTED = 20_000  # entities that are put in an order no store knows
LINKED = 20_000  # entities that a filter may look at along one link


class Scope(NamedTuple):
    """A collection that is what a link of one entity leads to."""

    owner: Entity
    link: str


class Page(NamedTuple):
    """Entities of one page; `further` is the query of the next one."""

    entities: list[Entity]
    total: int | None = None
    further: str | None = None


class ObservationSource(Protocol):
    """Whoever reads observations, wherever they are kept."""

    async def page(self, reader: "Reader", scope: Scope | None, options: Options) -> Page: ...
    async def find(self, reader: "Reader", id: int | str) -> Entity: ...  # noqa: A002
    async def complete(self, reader: "Reader", datastreams: list[Entity]) -> None: ...
    async def sample(
        self, reader: "Reader", owners: Sequence[Entity], tree: Tree | None, along: Along
    ) -> dict[int, list[Entity]]: ...


def sort_key(value: Any) -> tuple[int, Any]:
    """Return a key by which values of any kind can be ordered; null comes last."""
    if isinstance(value, When):
        return 2, (value.start, value.until)
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return 1, value
    return (3, value) if isinstance(value, str) else (4, "" if value is None else str(value))


class Reader:
    """Answers questions within one session; what links lead to is fetched in batches and kept."""

    def __init__(self, session: AsyncSession, observations: ObservationSource, now: int) -> None:
        self.session, self.now = session, now
        self._observations = observations
        self._related: dict[tuple[str, int | str, str], list[Entity]] = {}

    async def find(self, kind: Kind, id: int | str) -> Entity:  # noqa: A002
        """Return an entity by its id; NoSuchEntity when there is none."""
        if kind.name == "Observation":
            return await self._observations.find(self, id)
        row = None
        if isinstance(id, int) and 0 < id < 2**62:
            row = await self.session.get(ROWS[kind.name], id)
        if row is None:
            raise NoSuchEntity(f"{kind.plural}({id!r})", kind=kind.name, id=repr(id))
        return (await self.complete([entity_of(kind, row)]))[0]

    async def complete(self, entities: list[Entity]) -> list[Entity]:
        """Add what is computed."""
        if entities and entities[0].kind.name == "Datastream":
            await self._observations.complete(self, entities)
        return entities

    async def many(self, kind: Kind, numbers: Iterable[int]) -> dict[int, Entity]:
        """Return entities by the numbers of their rows."""
        row, found = ROWS[kind.name], {}
        wanted = sorted(set(numbers))
        for at in range(0, len(wanted), CHUNK):
            rows = await self.session.scalars(
                select(row).where(row.number.in_(wanted[at : at + CHUNK]))
            )
            found.update({one.number: entity_of(kind, one) for one in rows})
        await self.complete(list(found.values()))
        return found

    async def page(self, kind: Kind, scope: Scope | None, options: Options) -> Page:
        """Return one page of a collection."""
        trees = [order.by for order in options.orderby]
        for tree in [*trees, *([options.filter] if options.filter is not None else [])]:
            check(kind, tree)
        if kind.name == "Observation":
            return await self._observations.page(self, scope, options)
        question = select(ROWS[kind.name])
        if scope is not None:
            numbers = numbers_of(scope.owner.kind, scope.link, scope.owner.number)
            question = question.where(ROWS[kind.name].number.in_(numbers))
        condition = to_sql(kind, options.filter) if options.filter is not None else None
        if condition is not None:
            question = question.where(condition.sql)
        columns = _columns(kind, options.orderby)
        if columns is not None:
            question = question.order_by(*columns, ROWS[kind.name].number)
            if options.filter is None or (condition is not None and condition.exact):
                return await self._straight(kind, question, options)
        return await self._judged(kind, question, options, sort=columns is None)

    async def _straight(self, kind: Kind, question: Select[Any], options: Options) -> Page:
        count = None
        if options.counted:
            counted = select(func.count()).select_from(question.order_by(None).subquery())
            count = (await self.session.execute(counted)).scalar_one()
        keyed = not options.orderby
        if options.token is not None and keyed:
            question = question.where(ROWS[kind.name].number > _token(options.token))
        question = question.offset(min(options.skip, 2**40)).limit(options.page + 1)
        found = [entity_of(kind, row) for row in await self.session.scalars(question)]
        page = found[: options.page]
        further = None
        if len(found) > options.page and page:
            skip = str(options.skip + options.page)
            further = (
                options.further(skiptoken=str(page[-1].number))
                if keyed
                else options.further(skip=skip)
            )
        return Page(await self.complete(page), count, further)

    async def _judged(
        self, kind: Kind, question: Select[Any], options: Options, *, sort: bool
    ) -> Page:
        """Look at the entities one by one, where no store can tell which fit, or in what order."""
        row = ROWS[kind.name]
        if sort:
            question = question.order_by(row.number)
        judge = Judge(kind, options.filter, self.now) if options.filter is not None else None
        enough = options.skip + options.page + 1
        fit: list[Entity] = []
        at = 0
        while True:
            rows = (await self.session.scalars(question.offset(at).limit(CHUNK))).all()
            entities = await self.complete([entity_of(kind, one) for one in rows])
            if judge is not None and options.filter is not None:
                await self.fetch(kind, entities, [options.filter])
                entities = [one for one in entities if judge.fits(one, self.related)]
            fit += entities
            at += CHUNK
            if len(rows) < CHUNK or (len(fit) >= enough and not sort and not options.counted):
                break
            if sort and len(fit) > SORTED:
                reason = f"more than {SORTED} entities to order; filter them first"
                raise BadQuery("$orderby", option="$orderby", reason=reason)
        if sort:
            fit = await self.ordered(kind, fit, options.orderby)
        page = fit[options.skip : options.skip + options.page]
        more = len(fit) > options.skip + options.page and page
        further = options.further(skip=str(options.skip + options.page)) if more else None
        return Page(page, len(fit) if options.counted else None, further)

    async def ordered(
        self, kind: Kind, entities: list[Entity], orders: Sequence[Order]
    ) -> list[Entity]:
        """Return entities by what `$orderby` says; in a tie they stay as they are."""
        await self.fetch(kind, entities, [order.by for order in orders])
        for order in reversed(orders):
            judge = Judge(kind, order.by, self.now)
            keys = {one.id: sort_key(judge.value(one, self.related)) for one in entities}
            entities = sorted(entities, key=lambda one: keys[one.id], reverse=order.descending)
        return entities

    def related(self, owner: Entity, link: str) -> list[Entity]:
        """Return what a link leads to; it has been fetched before."""
        return self._related.get((owner.kind.name, owner.id, link), [])

    async def fetch(self, kind: Kind, entities: Sequence[Entity], trees: Sequence[Tree]) -> None:
        """Fetch what the paths of some trees lead to from these entities."""
        reached: dict[Along, list[Entity]] = {(): list(entities)}
        for along in prefixes(kind, trees):
            owners = reached[along[:-1]]
            await self.follow(owners, along[-1], trees[0] if trees else None, along)
            reached[along] = [one for owner in owners for one in self.related(owner, along[-1])]

    async def follow(
        self, owners: Sequence[Entity], link: str, tree: Tree | None = None, along: Along = ()
    ) -> None:
        """Fetch what a link of several entities leads to, unless it is here already."""
        new = {
            owner.id: owner
            for owner in owners
            if (owner.kind.name, owner.id, link) not in self._related
        }
        if not new:
            return
        fresh = list(new.values())
        kind = fresh[0].kind
        target = KINDS[kind.link_of[link].target]
        if target.name == "Observation":
            sampled = await self._observations.sample(self, fresh, tree, along)
            for owner in fresh:
                self._related[kind.name, owner.id, link] = sampled.get(owner.number, [])
            return
        if not kind.link_of[link].many:
            await self._follow_one(fresh, link, target)
            return
        way = WAYS[kind.name, link]
        for at in range(0, len(fresh), CHUNK):
            part = [owner.number for owner in fresh[at : at + CHUNK]]
            pairs = (
                await self.session.execute(
                    select(way.near, way.far).where(way.near.in_(part)).order_by(way.far)
                )
            ).all()
            if len(pairs) > LINKED:
                reason = f"{link} leads to more than {LINKED} entities; ask from their side"
                raise BadQuery("$filter", option="$filter", reason=reason)
            entities = await self.many(target, [far for _, far in pairs])
            for owner in fresh[at : at + CHUNK]:
                self._related[kind.name, owner.id, link] = []
            for near, far in pairs:
                self._related[kind.name, near, link].append(entities[far])

    async def _follow_one(self, owners: Sequence[Entity], link: str, target: Kind) -> None:
        numbers = {owner.id: owner.links.get(link) for owner in owners}
        entities = await self.many(target, [n for n in numbers.values() if n is not None])
        for owner in owners:
            number = numbers[owner.id]
            there = number is not None and number in entities
            self._related[owner.kind.name, owner.id, link] = (
                [entities[number]] if there and number is not None else []
            )


def _token(said: str) -> int:
    if not said.isdecimal() or len(said) > 18:
        raise BadQuery("$skiptoken", option="$skiptoken", reason=f"{said!r} is none of ours")
    return int(said)


def _columns(kind: Kind, orders: Sequence[Order]) -> list[Any] | None:
    """Return the columns of an order, None when the store does not know it."""
    columns = []
    for order in orders:
        if not isinstance(order.by, Path) or len(order.by.parts) != 1:
            return None
        field = kind.field_of.get(order.by.parts[0])
        if field is not None and (field.form not in {"text", "instant"} or field.computed):
            return None
        column = getattr(ROWS[kind.name], field.attribute if field is not None else "number")
        columns.append(column.desc() if order.descending else column.asc())
    return columns


__all__ = ["Condition", "ObservationSource", "Page", "Reader", "Scope", "sort_key"]
