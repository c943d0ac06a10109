"""场景包 · make a new pack from the sample, which has every file a pack can have."""

from pathlib import Path

from zhiyin.pack.faults import FormWrong, PackThere

SAMPLE = Path(__file__).parent / "sample"
_NAME = "sample_pack"


def create(name: str, packs: Path) -> Path:
    """Write a new pack under `packs` and return its folder; it passes the check as it is.

    Raises `FormWrong` for a name that cannot be one and `PackThere` for a name that is taken.
    """
    if not (name.isascii() and name.isidentifier() and name.islower() and len(name) <= 48):
        raise FormWrong(
            value=name,
            wanted_zh="小写字母、数字和下划线,字母开头",
            wanted_en="lower-case letters, digits and underscores, a letter first",
            example="flood_drainage",
        )
    folder = packs / name
    if folder.exists():
        raise PackThere(folder=folder)
    for source in sorted(SAMPLE.rglob("*")):
        if source.is_file():
            target = folder / source.relative_to(SAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text("utf-8").replace(_NAME, name), "utf-8")
    return folder
