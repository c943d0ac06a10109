"""A loader with the sections of all rooms, as the server hands them over."""

from zhiyin import pack
from zhiyin.server.sections import SECTIONS, check_mappings


def loader() -> pack.Loader:
    return pack.Loader(SECTIONS, check_mappings)
