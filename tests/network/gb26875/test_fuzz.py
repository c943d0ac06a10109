"""A short run of the fuzz entry; the long one is coverage-guided."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import gb26875
from tests.network.gb26875.transmitters import SMOKE, frame

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus" / "gb26875"


def test_the_corpus() -> None:
    seeds = list(CORPUS.iterdir())
    assert seeds
    for seed in seeds:
        gb26875.one(seed.read_bytes())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([SMOKE, b"@@", b"##"]) | st.binary(max_size=40)))
def test_bytes_and_frames_mixed(parts: list[bytes]) -> None:
    gb26875.one(b"".join(parts))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=80))
def test_any_unit_in_a_good_frame(command: int, data: bytes) -> None:
    gb26875.one(b"\x00" + frame(data.hex(), command))
