"""Columns of names and times, against looking at each row by itself."""

from hypothesis import given, settings
from hypothesis import strategies as some

from zhiyin.kernel import parse_time
from zhiyin.network.index import SeriesIndex
from zhiyin.network.intake import _times

thing, name = some.sampled_from("abcde"), some.sampled_from("uvwxyz")
pairs = some.lists(some.tuples(thing, name), unique=True)
asked = some.lists(some.tuples(some.sampled_from("abcdefg"), some.sampled_from("uvwxyz_")))


@settings(max_examples=300, deadline=None)
@given(pairs, asked)
def test_finds_what_a_dictionary_finds(
    known: list[tuple[str, str]], wanted: list[tuple[str, str]]
) -> None:
    index, by_name = SeriesIndex(), {pair: number for number, pair in enumerate(known)}
    of_thing: dict[str, list[tuple[str, int]]] = {}
    for (one, of), number in by_name.items():
        of_thing.setdefault(one, []).append((of, number))
    index.rebuild(of_thing)
    found = index.find([one for one, _ in wanted], [of for _, of in wanted])
    assert found.tolist() == [by_name.get(pair, -1) for pair in wanted]


moment = some.datetimes().map(lambda at: at.isoformat(timespec="milliseconds"))
zone = some.sampled_from(["Z", "+08:00", "-0330", "", "+24:00"])
odd = some.sampled_from([
    "", "now", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-23", " 2026-11-23T06:05Z ",
    "2026-11-23 06:05:00.5Z", "2026-11-23T06:05:00.1239Z", "20261123T060500Z", "9999999999",
    "2026-11-23T24:00:00Z", "2026-11-23T06:05:60Z", "2026-11-23T06:05:00z",
])  # fmt: skip
texts = some.lists(some.one_of(some.builds(str.__add__, moment, zone), odd), min_size=1, max_size=3)


@settings(max_examples=500, deadline=None)
@given(texts)
def test_reads_times_as_one_by_one(said: list[str]) -> None:
    times, wrong = _times(said, 0)
    for text, time, bad in zip(said, times.tolist(), wrong.tolist(), strict=True):
        try:
            expected = parse_time(text)
        except (ValueError, OverflowError):
            assert bad, text
        else:
            assert (time, bad) == (expected, False), text
