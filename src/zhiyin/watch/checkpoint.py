"""A judge's memory on disk: written whole or not at all, the one before kept beside it.

The file is a mark, a SHA-256 over the rest, the stream position and a NumPy archive.
"""

import hashlib
import io
import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zhiyin.watch.memory import State

_MARK = b"ZHIYINW1"
_HEAD = struct.Struct("<32sq")


class Checkpoint(NamedTuple):
    """A state and the stream position up to which it has judged."""

    state: State
    position: int


def save(path: Path, state: State, position: int) -> None:
    """Write the checkpoint durably; the file that stood there becomes `<name>.1`.

    At no moment is there neither: a crash leaves the new one, or the one before. OSError when the
    disk does not take it, the old files then being untouched.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **state)
    body = buffer.getbuffer()
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("wb") as file:
        file.write(_MARK)
        file.write(_HEAD.pack(_sum(position, body), position))
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        before = path.with_name(path.name + ".1")
        before.unlink(missing_ok=True)
        os.link(path, before)
    fresh.replace(path)
    _sync_folder(path.parent)


def load(path: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint at `path`, else the one before, else None."""
    return _read(path) or _read(path.with_name(path.name + ".1"))


def _read(path: Path) -> Checkpoint | None:
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    start = len(_MARK) + _HEAD.size
    if len(content) < start or content[: len(_MARK)] != _MARK:
        return None
    digest, position = _HEAD.unpack(content[len(_MARK) : start])
    if digest != _sum(position, content[start:]):
        return None
    with np.load(io.BytesIO(content[start:]), allow_pickle=False) as archive:
        return Checkpoint({name: archive[name] for name in archive.files}, position)


def _sum(position: int, body: memoryview) -> bytes:
    digest = hashlib.sha256(position.to_bytes(8, "little", signed=True))
    digest.update(body)
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
