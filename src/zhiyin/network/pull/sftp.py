"""Fetching over SFTP: the host must be the one that was named, and only new files are taken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import asyncssh

from zhiyin.cloud import PullSettings
from zhiyin.network.pull.address import shown
from zhiyin.network.pull.faults import SourceAway, SourceRefuses, SourceUnset, TooMuch
from zhiyin.network.pull.fetch import secret_of, wanted

BLOCK = 256 * 1024
_MANY = 100_000  # names of a folder


class Remote(NamedTuple):
    """A file over there; size and time of change mark it, as its content is not here."""

    name: str
    size: int
    mark: str


class Sftp:
    """A folder over there, opened."""

    def __init__(self, client: Any, folder: str, address: str) -> None:
        self._client, self._folder, self._address = client, folder.rstrip("/"), address

    async def files(self, pattern: str) -> list[Remote]:
        found = []
        count = 0
        try:
            async for entry in self._client.scandir(self._folder or "/"):
                count += 1
                if count > _MANY:
                    raise TooMuch(self._address, limit=f"{_MANY} names")
                name, about = str(entry.filename), entry.attrs
                plain = about.type == asyncssh.FILEXFER_TYPE_REGULAR and "/" not in name
                if plain and wanted(name, pattern):
                    mark = f"{about.size}-{about.mtime}"
                    found.append(Remote(name, int(about.size or 0), mark))
        except asyncssh.SFTPError as fault:
            raise SourceRefuses(address=self._address, reason=str(fault)) from fault
        return sorted(found)

    async def fetch(self, one: Remote, into: Path, limit: int) -> int:
        """Fetch a file of at most `limit` bytes."""
        size = 0
        try:
            async with self._client.open(f"{self._folder}/{one.name}", "rb") as remote:
                with into.open("wb") as file:
                    while block := await remote.read(BLOCK):
                        size += len(block)
                        if size > limit:
                            raise TooMuch(one.name, limit=f"{limit} bytes")
                        file.write(block)
        except asyncssh.SFTPError as fault:
            raise SourceRefuses(address=self._address, reason=str(fault)) from fault
        return size

    async def set_apart(self, one: Remote) -> None:
        """Move a file to `done/` over there."""
        try:
            await self._client.makedirs(f"{self._folder}/done", exist_ok=True)
            await self._client.rename(
                f"{self._folder}/{one.name}", f"{self._folder}/done/{one.name}"
            )
        except asyncssh.SFTPError as fault:
            reason = f"{one.name} could not be moved: {fault}"
            raise SourceRefuses(address=self._address, reason=reason) from fault


@asynccontextmanager
async def sftp(pull: str, told: PullSettings) -> AsyncIterator[Sftp]:
    """Open `sftp://user@host:port/folder`; the host's key is `host_key`, as in known_hosts."""
    parts = urlsplit(told.url)
    if parts.scheme != "sftp" or not parts.hostname:
        raise SourceUnset(pull=pull, reason="url should begin sftp:// and a host")
    if not told.host_key:
        raise SourceUnset(pull=pull, reason="host_key is missing: the host's public key")
    known = asyncssh.import_known_hosts(f"* {told.host_key.strip()}\n")
    secret = secret_of(told, pull)
    options: dict[str, Any] = {
        "host": parts.hostname, "port": parts.port or 22, "known_hosts": known,
        "username": told.user or unquote(parts.username or ""), "config": None, "agent_path": None,
        "client_keys": [told.key_file] if told.key_file else None, "connect_timeout": 15,
    }  # fmt: skip
    if told.key_file:
        options["passphrase"] = secret or None
    else:
        options["password"] = secret
    address = shown(told.url)
    try:
        async with asyncssh.connect(**options) as connection, connection.start_sftp_client() as one:
            yield Sftp(one, unquote(parts.path), address)
    except asyncssh.HostKeyNotVerifiable as fault:
        raise SourceRefuses(address=address, reason="its key is not host_key") from fault
    except asyncssh.PermissionDenied as fault:
        raise SourceRefuses(address=address, reason="user or secret") from fault
    except (asyncssh.Error, OSError) as fault:
        raise SourceAway(
            address=address, reason=str(fault)[:200] or type(fault).__name__
        ) from fault
