"""The fleet's devices: who they are, what they read, and what a bad line makes of their frames."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.brains import ROOT
from zhiyin.kernel import HOUR, MINUTE, SECOND, parse_time
from zhiyin.network.frame import Facts
from zhiyin.network.protocols import wire
from zhiyin.server.district.describe import read_packs
from zhiyin.server.district.fleet.describe import fleet_of, sized
from zhiyin.server.district.fleet.plan import PROTOCOLS, FleetPlan, Identity, Kind
from zhiyin.server.district.fleet.readings import Readings, Way
from zhiyin.server.district.fleet.run import first_due, identities
from zhiyin.server.district.fleet.speech import SPEECHES, Heard
from zhiyin.server.district.fleet.spoil import WAYS, clear, spoilt

AT = parse_time("2026-11-23 14:00")
CORNER = Way([(114.20, 30.55), (114.22, 30.55), (114.22, 30.57)])
REASON = {"flip": "checksum", "check": "checksum", "length": "length", "cut": "incomplete"}


def house() -> tuple[Kind, ...]:
    folders = sorted(file.parent for file in (ROOT / "packs").glob("*/manifest.yaml"))
    return fleet_of(read_packs(folders), "cloudburst")


def plan(size: int) -> FleetPlan:
    return FleetPlan(
        seed=1, clock="system", http="", gateways=dict.fromkeys(PROTOCOLS, ""),
        kinds=sized(house(), size),
    )  # fmt: skip


class Speaker:
    def __init__(self, who: Identity) -> None:
        self.address, self.key, self.serial, self.mark = who.address, who.key, 0, ""


class Known:
    def __init__(self, key: str) -> None:
        self._facts = Facts(key, {"open": True})

    def find(self, address: str) -> Facts:
        return self._facts


def test_the_bad_day_has_five_thousand_and_the_bound_ones() -> None:
    kinds = house()
    assert sum(kind.count for kind in kinds) == 5_000
    assert {kind.gateway for kind in kinds} == set(PROTOCOLS)
    assert sum(len(kind.bound) for kind in kinds) >= 5
    smaller = sized(kinds, 7)
    assert sum(kind.count for kind in smaller) == 7
    assert [kind.count for kind in sized(kinds, 0)] == [0] * len(kinds)
    found = list(identities(plan(300)))
    assert len({(kind.gateway, who.address) for kind, who in found}) == len(found)
    assert len({who.id for _, who in found}) == len(found)


def test_reports_are_spread_over_the_interval_and_fall_on_the_steps_of_their_protocol() -> None:
    for kind, who in identities(plan(600)):
        speech = SPEECHES[kind.gateway]()
        due = first_due(kind, who, speech, AT, 1)
        assert AT < due <= AT + kind.every_ms
        assert due % speech.step <= speech.shift
    minutes = {
        first_due(kind, who, SPEECHES[kind.gateway](), AT, 1) // MINUTE % 5
        for kind, who in identities(plan(600))
    }
    assert minutes == set(range(5))


def test_a_vehicle_keeps_to_its_way_and_track_speed_and_mileage_agree() -> None:
    readings = Readings(1, [CORNER])
    places = [readings.place("v-1", AT + n * SECOND) for n in range(3600)]
    assert all(30.5499 <= one.lat <= 30.5701 and 114.1999 <= one.lon <= 114.2201 for one in places)
    assert all(4 < one.speed < 52 for one in places)
    for a, b in pairwise(places):
        east = (b.lon - a.lon) * math.cos(math.radians(a.lat))
        km = 111.32 * math.hypot(east, b.lat - a.lat)
        assert km <= a.speed / 3600 * 1.1 + 0.0005
    driven = places[-1].mileage - places[0].mileage
    mean = sum(one.speed for one in places) / len(places)
    assert driven == pytest.approx(mean * 3599 * SECOND / HOUR, rel=0.02)


def reports() -> Iterator[tuple[Kind, Identity, Speaker, bytes]]:
    readings = Readings(1, [CORNER])
    for kind, who in identities(plan(30)):
        speech, speaker = SPEECHES[kind.gateway](), Speaker(who)
        for n in range(10):
            speaker.serial, at = n, AT + n * kind.every_ms
            made = speech.report(speaker, at, readings.of(kind, who.thing, at))
            speaker.mark = made.mark
            yield kind, who, speaker, made.frame


@pytest.mark.parametrize("way", WAYS)
def test_a_spoilt_frame_is_one_fault_and_the_good_one_behind_it_is_confirmed(way: str) -> None:
    for number, (kind, who, speaker, frame) in enumerate(reports()):
        if not clear(kind.gateway, frame):
            continue
        speech = SPEECHES[kind.gateway]()
        session = wire(kind.gateway).session(Known(who.key))
        hello = speech.hello(speaker, stranger=False)
        if hello:
            (turn,) = session.receive(hello, AT)
            assert speech.heard(speaker, turn.reply) == (Heard.READY, b"")
        turns = session.receive(spoilt(kind.gateway, way, frame, number % 97 / 97), AT)
        if way == "cut":
            turns += session.ended(AT)
            assert [turn.fault and turn.fault.reason for turn in turns] == [REASON[way]]
            continue
        turns += session.receive(frame, AT)
        assert [turn.fault and turn.fault.reason for turn in turns] == [REASON[way], None]
        assert speech.heard(speaker, turns[1].reply)[0] is Heard.CONFIRMED
        refusal = turns[0].reply
        assert not refusal or speech.heard(speaker, refusal)[0] is Heard.REFUSED


def test_a_terminal_whose_token_is_refused_registers_anew() -> None:
    who = next(who for kind, who in identities(plan(30)) if kind.gateway == "jt808")
    speech, speaker = SPEECHES["jt808"](), Speaker(who)
    session = wire("jt808").session(Known("another"))
    (turn,) = session.receive(speech.hello(speaker, stranger=False), AT)
    assert speech.heard(speaker, turn.reply) == (Heard.STRANGER, b"")
    (turn,) = session.receive(speech.hello(speaker, stranger=True), AT)
    heard, reply = speech.heard(speaker, turn.reply)
    assert heard is Heard.NOTHING
    (turn,) = session.receive(reply, AT)
    assert speech.heard(speaker, turn.reply) == (Heard.READY, b"")
