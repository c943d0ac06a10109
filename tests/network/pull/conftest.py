"""A front door on a real bus, and pulls before it."""

import math
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from tests.cloud.conftest import bus, server, settings, store
from zhiyin import cloud, lake, network
from zhiyin.kernel import DAY, MINUTE, ManualClock
from zhiyin.network.declared import Declared
from zhiyin.network.mapping import load_mapping, targets_of
from zhiyin.network.pull.declared import DeclaredPull
from zhiyin.network.pull.run import Runner
from zhiyin.network.pull.section import PullsFile
from zhiyin.network.pull.store import PullState, pull_state

__all__ = ["bus", "server", "settings", "store"]

NOW = count(1_780_000_000_000, 40 * DAY)
MODEL = """
types:
  dock: {properties: {bikes: {unit: "1", range: [0, 100]}, free: {unit: "1", range: [0, 100]}}}
"""
MAPPING = """
mapping: docks
title: {zh-CN: 试, en: test}
type: dock
thing: {column: dock}
time: {columns: [at], format: "%Y-%m-%d %H:%M"}
columns: {bikes: {property: bikes}, free: {property: free}}
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(next(NOW))


class Desk:
    """What a test of pulls works with."""

    def __init__(
        self, folder: Path, told: cloud.Settings, clock: ManualClock, bus: cloud.Bus,
        store: cloud.Database,
    ) -> None:  # fmt: skip
        self.folder, self.clock, self.bus, self.store = folder, clock, bus, store
        self._told = told
        self.handed: list[tuple[str, str, dict[str, Any]]] = []
        (folder / "pack" / "mappings").mkdir(parents=True)
        (folder / "pack" / "model.yaml").write_text(MODEL, "utf-8")
        self.mapping(MAPPING)
        kinds = ("bikes", "free", "disabled", "docks", "renting", "scooters", "away", "capacity")
        number = network.PropertyType("1", 0, 1e6, MINUTE)
        dock = {name: network.PropertyType("1", 0, 100, MINUTE) for name in kinds}
        fleet = dict.fromkeys(kinds, number)
        self.types: network.Types = {"dock": dock, "fleet": fleet}

    def mapping(self, text: str) -> None:
        (self.folder / "pack" / "mappings" / "docks.yaml").write_text(text, "utf-8")

    def runner(self, text: str, **address: Any) -> Runner:
        """Return a runner of the pulls of this YAML, all at the one address."""
        pulls = msgspec.convert(YAML(typ="safe").load(text), PullsFile).pulls
        file, model = self.folder / "pack/mappings/docks.yaml", self.folder / "pack/model.yaml"
        mapping = load_mapping(file)
        targets = tuple(targets_of(mapping, file, model))
        declared = Declared(
            pulls={
                one.pull: DeclaredPull(one, "test", mapping if one.table else None, targets)
                for one in pulls
            },
            types=self.types,
        )
        told = {one.pull: cloud.PullSettings(**address) for one in pulls}
        changed = msgspec.structs.replace(
            self._told, pull=told, data_folder=str(self.folder / "data")
        )
        door = network.Door(changed, self.clock, self.bus, self.store, declared)

        async def hand(pull: str, layer: str, found: dict[str, Any]) -> None:
            self.handed.append((pull, layer, found))

        return Runner(changed, self.clock, self.bus, self.store, door, declared, hand)

    async def register(self, *things: str, kind: str = "dock") -> None:
        devices = dict.fromkeys(things, kind)
        await network.register_devices(
            self.store, None, self.types, devices, source="test", actor="test", now=0
        )

    async def state(self, key: str = "p") -> PullState:
        async with self.store.read() as session:
            return await pull_state(session, key)

    async def landed(self) -> list[tuple[str, str, int, float, int]]:
        """Return what the stream has: thing, property, time, value, quality; each once."""
        state = await self.bus.state(cloud.OBSERVATIONS)
        async with self.store.read() as session:
            series = await network.load_series(session)
        found = set()
        if state["messages"]:
            async for messages in self.bus.read_from(cloud.OBSERVATIONS, state["first_seq"]):
                for message in messages:
                    for one in rows_of(message.data):
                        known = series[int(one[0])]
                        found.add((known.thing, known.property, *one[1:]))
                if messages and messages[-1].seq >= state["last_seq"]:
                    break
        return sorted(found)

    async def kept(self) -> list[network.Rejected]:
        state = await self.bus.state(cloud.QUARANTINE)
        found: list[network.Rejected] = []
        if state["messages"]:
            async for messages in self.bus.read_from(cloud.QUARANTINE, state["first_seq"]):
                for message in messages:
                    found += msgspec.json.decode(message.data, type=list[network.Rejected])
                if messages and messages[-1].seq >= state["last_seq"]:
                    break
        return list({item.id: item for item in found}.values())


def rows_of(data: bytes) -> list[tuple[int, int, float, int]]:
    columns, _, _ = lake.decode(data)
    parts = (columns.series, columns.time, columns.value, columns.quality)
    rows = zip(*(part.tolist() for part in parts), strict=True)
    return [row for row in rows if math.isfinite(row[2])]


@pytest.fixture
async def desk(
    tmp_path: Path, settings: cloud.Settings, clock: ManualClock, bus: cloud.Bus,
    store: cloud.Database,
) -> Desk:  # fmt: skip
    await bus.api(f"STREAM.PURGE.{cloud.QUARANTINE}")
    return Desk(tmp_path, settings, clock, bus, store)
