"""One run of a GBFS pull: discovery, the feeds that are due, rows and places."""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from zhiyin.cloud import PullSettings
from zhiyin.network.frame import FrameFault
from zhiyin.network.payload.strict_json import read_json
from zhiyin.network.pull import gbfs, store
from zhiyin.network.pull.around import MIB, Around, Came
from zhiyin.network.pull.declared import DeclaredPull
from zhiyin.network.pull.deliver import Delivery
from zhiyin.network.pull.faults import NotAsDeclared, SourceUnset
from zhiyin.network.pull.fetch import Web


async def gbfs_work(
    one: DeclaredPull, told: PullSettings, _state: store.PullState, run: Delivery, around: Around
) -> Came:
    feeds = _Feeds(one, told, run, around)
    await feeds.discover()
    troubles, wanted = gbfs.Troubles(), one.pull.gbfs
    assert wanted is not None
    received = around.clock.now()
    if wanted.stations:
        information = await feeds.get("station_information")
        status = await feeds.get("station_status")
        if information and feeds.new("station_information"):
            places = gbfs.station_places(information, wanted.stations, troubles)
            await around.hand(one.pull.pull, "stations", places)
        if status:
            rows = list(gbfs.station_rows(status, information, wanted.stations, received, troubles))
            things = {row.thing for row in rows}
            await around.known(wanted.stations.type, things)
            await run.observe(rows)
            run.result.stations = len(things)
    if wanted.vehicles and (status := await feeds.get("vehicle_status")):
        types = await feeds.get("vehicle_types")
        rows, places = gbfs.vehicle_rows(status, types, wanted.vehicles, received, troubles)
        await run.observe(rows)
        await around.hand(one.pull.pull, "vehicles", places)
        run.result.vehicles = len(places["features"])
    if wanted.zones and (zones := await feeds.get("geofencing_zones")):
        found = gbfs.zones_of(zones, troubles)
        run.result.zones = len(found["features"])
        if feeds.new("geofencing_zones"):
            await around.hand(one.pull.pull, "geofencing_zones", found)
    run.result.troubles = troubles.told
    run.result.bad += troubles.count
    await run.finish()
    feeds.settle()
    run.result.unchanged = not feeds.fetched
    return Came(None, {}, feeds.due)


class _Feeds:
    """The files of one GBFS system, each fetched again only when its `ttl` has passed."""

    def __init__(
        self, one: DeclaredPull, told: PullSettings, run: Delivery, around: Around
    ) -> None:
        if not told.url:
            raise SourceUnset(pull=one.pull.pull, reason="url is missing")
        self._web = Web(one.pull.pull, told, around.client)
        self._one, self._told, self._run, self._around = one, told, run, around
        self._urls: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self.fetched: list[str] = []
        self.due = 0

    async def discover(self) -> None:
        self._urls = {"gbfs": self._told.url}
        self._urls |= gbfs.feeds_of(await self.get("gbfs"))
        self._urls["gbfs"] = self._told.url

    async def get(self, name: str) -> Any:
        """Return a file, None when the system has none of this name."""
        url = self._urls.get(name)
        if not url:
            return None
        self._web.allow(url)
        kept, now = self._around.fresh.get(url, {}), self._around.clock.now()
        if not kept or kept["until"] <= now:
            kept = await self._fetch(name, url, kept, now)
        if name in {"station_status", "vehicle_status"}:  # the others may well live longer
            self.due = min(self.due or kept["until"], kept["until"])
        self._digests[name] = kept["digest"]
        return kept["tree"]

    async def _fetch(self, name: str, url: str, kept: dict[str, Any], now: int) -> dict[str, Any]:
        limit = self._one.pull.limit_mib * MIB
        with tempfile.TemporaryDirectory(dir=self._around.folder) as folder:
            got = await self._web.get(url, Path(folder) / "body", limit, kept.get("validators", {}))
            self.fetched.append(name)
            self._run.result.bytes += got.size
            if got.file is None:
                kept = {**kept, "until": gbfs.fresh_until(kept["tree"], now)}
            else:
                self._run.result.files += 1
                body = got.file.read_bytes()
                try:
                    tree = await asyncio.to_thread(read_json, body, limit)
                except FrameFault as fault:
                    raise NotAsDeclared(name, reason=fault.detail) from fault
                gbfs.data_of(name, tree)
                digest = hashlib.blake2b(msgspec.json.encode(tree["data"]), digest_size=16)
                kept = {
                    "tree": tree, "validators": got.validators, "digest": digest.hexdigest(),
                    "until": gbfs.fresh_until(tree, now),
                }  # fmt: skip
        self._around.fresh[url] = kept
        return kept

    def new(self, name: str) -> bool:
        """Say whether what was handed on before was another."""
        return bool(self._around.fresh.get(f"handed {name}") != self._digests[name])

    def settle(self) -> None:
        """Remember what has been handed on."""
        for name, digest in self._digests.items():
            self._around.fresh[f"handed {name}"] = digest
