"""A short run of the fuzz entry; the long one is coverage-guided."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import sl651
from tests.network.sl651.stations import HOURLY, TIMED
from zhiyin.network.sl651.codec import framed

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus" / "sl651"


def test_the_corpus() -> None:
    seeds = list(CORPUS.iterdir())
    assert seeds
    for seed in seeds:
        sl651.one(seed.read_bytes())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([TIMED, HOURLY, b"~~", b"\x01"]) | st.binary(max_size=40)))
def test_bytes_and_frames_mixed(parts: list[bytes]) -> None:
    sl651.one(b"".join(parts))


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=80), st.booleans(), st.booleans())
def test_any_body_in_a_good_frame(function: int, body: bytes, down: bool, text: bool) -> None:
    end = 0x05 if down else 0x03
    sl651.one(b"\x00" + framed("4201050001", 1, "1234", function, body, end, down=down, text=text))
