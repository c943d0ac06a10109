"""Entities as the wire has them, with what `$expand` asks for inside, fetched together."""

from collections.abc import Sequence
from typing import Any

from zhiyin.network.sensorthings.model import DATASTREAM, KINDS, Entity
from zhiyin.network.sensorthings.observing import Observing
from zhiyin.network.sensorthings.options import Options
from zhiyin.network.sensorthings.read import Page, Reader, Scope
from zhiyin.network.sensorthings.shape import shown


class Expander:
    """Shows entities below one address of the service."""

    def __init__(self, observing: Observing, root: str) -> None:
        self._observing, self._root = observing, root

    async def shown(
        self, reader: Reader, entities: Sequence[Entity], options: Options
    ) -> list[dict[str, Any]]:
        """Return entities as the wire has them, with what `$expand` asks for inside."""
        inside: list[dict[str, Any]] = [{} for _ in entities]
        for link, wanted in options.expand.items():
            for told, more in zip(
                inside, await self._expanded(reader, entities, link, wanted), strict=True
            ):
                told.update(more)
        return [
            shown(one, self._root, options.select, more)
            for one, more in zip(entities, inside, strict=True)
        ]

    async def _expanded(
        self, reader: Reader, entities: Sequence[Entity], link: str, options: Options
    ) -> list[dict[str, Any]]:
        if not entities:
            return []
        fresh = Reader(reader.session, self._observing, reader.now)
        if not entities[0].kind.link_of[link].many:
            await fresh.follow(entities, link)
            targets = {one.id: one for owner in entities for one in fresh.related(owner, link)}
            told = await self.shown(fresh, list(targets.values()), options)
            by_id = dict(zip(targets, told, strict=True))
            return [
                {link: by_id[found[0].id]} if (found := fresh.related(owner, link)) else {}
                for owner in entities
            ]
        pages = await self._pages(fresh, entities, link, options)
        out = []
        for owner, page in zip(entities, pages, strict=True):
            more: dict[str, Any] = {}
            if page.total is not None:
                more[f"{link}@iot.count"] = page.total
            more[link] = await self.shown(fresh, page.entities, options)
            if page.further is not None:
                more[f"{link}@iot.nextLink"] = f"{self._root}/{owner.path}/{link}?{page.further}"
            out.append(more)
        return out

    async def _pages(
        self, reader: Reader, owners: Sequence[Entity], link: str, options: Options
    ) -> list[Page]:
        """Return a page of a link of each owner; fetched together where that is possible."""
        kind = owners[0].kind
        bare = not (options.filter or options.orderby or options.skip or options.counted)
        if bare and kind.link_of[link].target != "Observation":
            await reader.follow(owners, link)
            pages = []
            for owner in owners:
                found = reader.related(owner, link)
                page = found[: options.page]
                further = None
                if len(found) > options.page and page:
                    further = options.further(skiptoken=str(page[-1].number))
                pages.append(Page(page, None, further))
            return pages
        newest = self._observing.newest_of(options) if kind is DATASTREAM else None
        if newest is not None and len(owners) > 1:
            return await self._observing.pages(reader, owners, options, newest=newest)
        return [
            await reader.page(KINDS[kind.link_of[link].target], Scope(one, link), options)
            for one in owners
        ]
