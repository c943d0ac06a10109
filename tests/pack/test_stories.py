"""Every story of every pack, played through the real watch engine; and the player itself."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.pack.rooms import loader
from zhiyin.kernel import MINUTE
from zhiyin.pack import Pack, Stage, Story, play
from zhiyin.pack.stories import MORNING, Expected, millis_of_day

PACKS = Path(__file__).parents[2] / "packs"
STAGE_THERE = find_spec("zhiyin.server.stage") is not None


def _stories() -> list[Any]:
    packs, _ = loader().load_all(PACKS)
    return [
        pytest.param(pack, story, id=f"{pack.key}-{story.story.en}")
        for pack in packs
        if "stories" in pack.sections
        for story in pack.sections["stories"].stories
    ]


def _real_stage(pack: Pack) -> Stage:
    room: Any = importlib.import_module("zhiyin.server.stage")
    stage: Stage = room.EngineStage(pack)
    return stage


@pytest.mark.skipif(not STAGE_THERE, reason="the server's stage with the real engine is not here")
@pytest.mark.parametrize(("pack", "story"), _stories())
def test_a_story_of_a_pack_is_kept(pack: Pack, story: Story) -> None:
    played = play(story, pack, _real_stage)
    assert played.kept, str(played)


class NoteBook:
    """A stage that writes down what it is told and warns of what it was given beforehand."""

    def __init__(self, warnings: list[tuple[str, str, int]], cases: list[str]) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._warnings, self._cases = warnings, cases

    def observe(self, thing: str, property: str, time_ms: int, value: float) -> None:  # noqa: A002
        self.told.append((thing, property, time_ms - MORNING, value))

    def tick(self, now_ms: int) -> None:
        self.told.append((now_ms - MORNING,))

    def warnings(self) -> list[tuple[str, str, int]]:
        return self._warnings

    def cases(self) -> list[str]:
        return self._cases


@pytest.fixture(scope="module")
def flood() -> Pack:
    pack, _ = loader().load(PACKS / "flood_drainage")
    assert pack is not None
    return pack


def _story(flood: Pack, start: str) -> Story:
    stories: tuple[Story, ...] = flood.sections["stories"].stories
    return next(one for one in stories if one.story.en.startswith(start))


def test_readings_come_in_the_property_s_unit_and_ticks_between_them(flood: Pack) -> None:
    notes = NoteBook([], [])
    play(_story(flood, "Two centimetres"), flood, lambda _: notes)
    three = millis_of_day("03:00")
    assert notes.told[:4] == [
        ("qintai_railway", "depth", three, pytest.approx(0.27)),
        (three,),
        ("qintai_railway", "depth", three + MINUTE, pytest.approx(0.26)),
        (three + MINUTE,),
    ]
    assert notes.told[-1] == (millis_of_day("03:07"),)


def test_a_story_is_kept_only_by_exactly_what_it_promises(flood: Pack) -> None:
    story = _story(flood, "Two readings")
    at = MORNING + millis_of_day("02:02:30")
    good = [("ponding_depth", "orange", at)]
    assert play(story, flood, lambda _: NoteBook(good, ["waterlogging"])).kept
    ended = [*good, ("ponding_depth", "none", at + MINUTE)]
    assert play(story, flood, lambda _: NoteBook(ended, ["waterlogging"])).kept
    assert not play(story, flood, lambda _: NoteBook(good, [])).kept
    assert not play(story, flood, lambda _: NoteBook([], ["waterlogging"])).kept
    more = [*good, ("ponding_depth", "red", at)]
    played = play(story, flood, lambda _: NoteBook(more, ["waterlogging"]))
    assert not played.kept
    assert "02:02:30 ponding_depth red" in str(played)


def test_an_end_that_is_expected_must_come(flood: Pack) -> None:
    story = _story(flood, "The warning ends")
    start, end = (MORNING + millis_of_day(one) for one in ("03:01:30", "03:03:00"))
    whole = [("ponding_depth", "yellow", start), ("ponding_depth", "none", end)]
    assert play(story, flood, lambda _: NoteBook(whole, [])).kept
    assert not play(story, flood, lambda _: NoteBook(whole[:1], [])).kept
    assert (
        Expected("03:03:00", "none", "ponding_depth")
        in play(story, flood, lambda _: NoteBook(whole, [])).wanted[0]
    )
