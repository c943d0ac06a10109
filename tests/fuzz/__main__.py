"""Coverage-guided fuzzing of one codec: `make fuzz CODEC=hj212 SECONDS=600` (Atheris, Linux).

What breaks it is written to the folder as `crash-…`; what finds new ground is kept beside the
corpus for as long as the run lasts. Needs the dependency group `fuzz`.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("codec", choices=sorted(one.name for one in CORPUS.iterdir()))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--folder", type=Path, help="where crashes and new inputs go")
    chosen = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("no Atheris here: uv pip install --group fuzz (Linux only)")
    with atheris.instrument_imports(include=["zhiyin"]):
        entry = importlib.import_module(f"tests.fuzz.{chosen.codec}")
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{chosen.codec}-"))
    found = folder / "found"
    found.mkdir(parents=True, exist_ok=True)
    options = [
        sys.argv[0], f"-max_total_time={chosen.seconds}", "-max_len=8192", "-rss_limit_mb=2048",
        "-timeout=20", f"-artifact_prefix={folder}/", "-print_final_stats=1",
        str(found), str(CORPUS / chosen.codec),
    ]  # fmt: skip
    atheris.Setup(options, entry.one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
