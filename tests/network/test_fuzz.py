"""A short fuzz of what comes in as JSON; `make fuzz` goes on for as long as one likes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import gat1400, payload

CORPUS = Path(gat1400.__file__).parent / "corpus"


SEEDS = [
    (entry.one, file)
    for name, entry in (("payload", payload), ("gat1400", gat1400))
    for file in sorted((CORPUS / name).iterdir())
]


@pytest.mark.parametrize(("one", "file"), SEEDS, ids=[file.name for _, file in SEEDS])
def test_every_seed_of_the_corpus_goes_through(one: Callable[[bytes], None], file: Path) -> None:
    one(file.read_bytes())


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(
        ["SceneListObject", "SceneObject", "DeviceID", "time", "ts", "values", "params", "value",
         "eventType", "box", "SubImageList", "SubImageInfoObject", "Data", "services", "payload"]
    ), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(JSON, st.integers(0, 255))
def test_any_json_is_read_or_refused(told: object, first: int) -> None:

    body = json.dumps(told).encode()
    payload.one(bytes([first]) + body)
    gat1400.one(body)
