"""Where the packs lie: the setting's folder, the wheel's, or the checkout's."""

from pathlib import Path

import zhiyin
from zhiyin.cloud import Settings


def packs_folder(settings: Settings) -> Path:
    """Return the folder of packs of this installation."""
    if settings.packs.folder:
        return Path(settings.packs.folder)
    inside = Path(zhiyin.__file__).parent / "packs"
    return inside if inside.exists() else Path(zhiyin.__file__).parents[2] / "packs"
