"""The rooms that read the files of a pack; `pack` knows no room, so they are named here."""

import zhiyin.atlas.section
import zhiyin.command.section
import zhiyin.lake.section
import zhiyin.network.pull.section
import zhiyin.network.section
import zhiyin.operations.section
import zhiyin.vitals.section
import zhiyin.watch.section
from zhiyin import pack
from zhiyin.network.mappings import check_mappings

SECTIONS: tuple[pack.Section, ...] = (
    zhiyin.lake.section.SECTION,
    zhiyin.network.section.SECTION,
    zhiyin.network.pull.section.SECTION,
    zhiyin.atlas.section.SECTION,
    zhiyin.vitals.section.SECTION,
    zhiyin.watch.section.SECTION,
    zhiyin.command.section.SECTION,
    zhiyin.operations.section.SECTION,
)

__all__ = ["SECTIONS", "check_mappings"]
