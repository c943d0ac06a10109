"""The intake's algebra: every row is accepted or rejected, never both, and nothing breaks it."""

import json
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.kernel import DAY, MINUTE, Quality
from zhiyin.lake import Columns, decode
from zhiyin.network.intake import Intake, Limits, Message
from zhiyin.network.model import Reason, Register, Series
from zhiyin.network.wire import read_http, read_mqtt

NOW = 1_780_000_000_000


def series(index: int, thing: str, prop: str, *, boolean: bool = False) -> Series:
    return Series(index, thing, prop, "point", "m", 0.0, 5.0, MINUTE, 0, 0, boolean)


REGISTER = Register()
REGISTER.add([series(0, "a", "depth"), series(1, "b", "depth"), series(2, "b", "on", boolean=True)])
INTAKE = Intake(REGISTER, Limits(10 * MINUTE, 30 * DAY))
NOBODY = Intake(Register(), Limits(10 * MINUTE, 30 * DAY))

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
times = (
    anything
    | st.integers(NOW - 40 * DAY, NOW + DAY)
    | st.datetimes().map(lambda moment: moment.isoformat())
)
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]), st.sampled_from(["depth", "on", "mood"]), times,
        anything | st.floats(-1, 6) | st.sampled_from([0, 1, True, False]),
    )
)  # fmt: skip


def message(found: list[tuple[str, str, Any, Any]]) -> Message:
    return Message(*([row[n] for row in found] for n in range(4)))


@given(rows, st.booleans(), st.sampled_from([INTAKE, NOBODY]))
def test_every_row_is_accepted_or_rejected_and_never_both(
    found: Any, history: Any, intake: Any
) -> None:
    checked = intake.check(message(found), NOW, NOW, "test", history=history)
    assert len(checked.columns) + len(checked.rejected) == len(found)
    assert len({item.id for item in checked.rejected}) == len(checked.rejected)
    rejected = [(item.thing, item.property, id(item.raw["value"])) for item in checked.rejected]
    said = [(thing, prop, id(value)) for thing, prop, _, value in found]
    assert all(one in said for one in rejected)
    msgspec.json.encode(checked.rejected)  # each can be kept


@given(rows)
def test_what_is_accepted_is_known_in_range_and_in_time(found: Any) -> None:
    columns = INTAKE.check(message(found), NOW, NOW, "test").columns
    assert ((columns.series >= 0) & (columns.series < 3)).all()
    assert ((columns.value >= 0) & (columns.value <= 5)).all()
    assert ((columns.time >= NOW - 30 * DAY) & (columns.time <= NOW + 10 * MINUTE)).all()
    assert np.isin(columns.value[columns.series == 2], [0, 1]).all()


@given(st.integers(1, 50), st.data())
def test_good_rows_pass_in_the_senders_order(count: Any, data: Any) -> None:
    said = data.draw(st.lists(st.floats(0, 5), min_size=count, max_size=count))
    found = [("a", "depth", NOW - n, value) for n, value in enumerate(said)]
    checked = INTAKE.check(message(found), NOW, NOW, "test")
    assert checked.rejected == []
    assert checked.columns.value.tolist() == said
    assert checked.columns.time.tolist() == [NOW - n for n in range(count)]
    assert (checked.columns.quality == Quality.GOOD).all()


def test_each_reason_has_its_row() -> None:
    found = [
        ("nobody", "depth", NOW, 1), ("a", "mood", NOW, 1), ("a", "depth", "noon", 1),
        ("a", "depth", NOW, "1"), ("a", "depth", NOW, True), ("b", "on", NOW, 2),
        ("a", "depth", NOW + 11 * MINUTE, 1), ("a", "depth", NOW - 31 * DAY, 1),
        ("a", "depth", NOW, -0.001), ("a", "depth", NOW, float("nan")),
    ]  # fmt: skip
    checked = INTAKE.check(message(found), NOW, NOW, "test")
    assert [item.reason for item in checked.rejected] == [
        Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_PROPERTY, Reason.MALFORMED, Reason.WRONG_TYPE,
        Reason.WRONG_TYPE, Reason.WRONG_TYPE, Reason.CLOCK_OFF, Reason.CLOCK_OFF,
        Reason.OUT_OF_RANGE, Reason.OUT_OF_RANGE,
    ]  # fmt: skip
    assert len(checked.columns) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["thing", "property", "value", "values", "time"]) | st.text(), inner
    ),
    max_leaves=12,
)  # fmt: skip


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


@given(JSON)
def test_any_json_over_http_is_read_or_kept(value: Any) -> None:
    try:
        found, bad = read_http(encoded(value))
    except msgspec.DecodeError:
        return  # numbers beyond what JSON readers take: the whole body is kept
    checked = INTAKE.check(found, NOW, NOW, "http")
    assert len(checked.columns) + len(checked.rejected) == len(found.thing)
    msgspec.json.encode([item.raw for item in bad])


@given(JSON)
def test_any_json_over_mqtt_is_read_or_kept(value: Any) -> None:
    try:
        readings = read_mqtt(encoded(value))
    except msgspec.DecodeError:
        return
    found = [("a", prop, said, value) for prop, value, said in readings]
    checked = INTAKE.check(message(found), NOW, NOW, "mqtt")
    assert len(checked.columns) + len(checked.rejected) == len(found)


columns = st.lists(
    st.tuples(
        st.integers(0, 2**31 - 1), st.integers(-(2**63), 2**63 - 1), st.floats(), st.integers(0, 3)
    )
)


@given(columns, st.integers(0, 2**62), st.text(max_size=20))
def test_columns_come_out_as_they_went_in(found: Any, received: Any, source: Any) -> None:
    before = Columns.of(*(np.array([row[n] for row in found]) for n in range(4)))
    after, at, said = decode(before.encode(received, source))
    assert (at, said) == (received, source)
    for name in ("series", "time", "value", "quality"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert getattr(after, name).dtype == getattr(before, name).dtype
