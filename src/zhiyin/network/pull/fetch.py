"""Fetching over HTTP, and from a folder: to a file of ours, within limits, only what is new."""

import hashlib
import stat
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from zhiyin.cloud import PullSettings
from zhiyin.network.pull.faults import SourceAway, SourceRefuses, SourceUnset, TooMuch

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
REDIRECTS = 3
RETRIED = {408, 425, 429, 500, 502, 503, 504}
UNFINISHED = (".tmp", ".part", ".filepart", ".crdownload")


class Got(NamedTuple):
    """What a request brought: nothing new (None), or a file; validators for the next request."""

    file: Path | None
    validators: dict[str, str]
    size: int = 0


class Away(SourceAway):
    """A source that is away and has said for how long; `after` is in seconds."""

    after = 0.0


def secret_of(told: PullSettings, pull: str) -> str:
    """Return the secret, from its file when it is in one."""
    if not told.secret.startswith("file:"):
        return told.secret
    try:
        return Path(told.secret.removeprefix("file:")).read_text("utf-8").strip()
    except OSError as fault:
        raise SourceUnset(pull=pull, reason=f"its secret's file: {fault.strerror}") from fault


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    if not parts.scheme:
        return parts.path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Web:
    """Requests of one pull: its credentials go to its own host and to no other."""

    def __init__(self, pull: str, told: PullSettings, client: httpx.AsyncClient) -> None:
        self._client, self._told = client, told
        self._home = _host(told.url)
        self._hosts = {self._home, *told.hosts}
        self._secret = secret_of(told, pull)
        if urlsplit(told.url).scheme not in {"http", "https"} or not urlsplit(told.url).hostname:
            raise SourceUnset(pull=pull, reason="url should begin http:// or https:// and a host")

    async def get(
        self, url: str, into: Path, limit: int,
        validators: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None,
    ) -> Got:  # fmt: skip
        """Fetch to a file of at most `limit` bytes; conditional where validators are known.

        Raises SourceAway (try again), SourceRefuses, TooMuch.
        """
        conditions = _conditions(validators or {})
        for _ in range(REDIRECTS + 1):
            headers = {**conditions, **self._credentials(url)}
            try:
                async with self._client.stream(
                    "GET", url, headers=headers, params=params, timeout=TIMEOUT
                ) as answer:
                    if answer.has_redirect_location:
                        url, params = urljoin(url, answer.headers.get("location", "")), None
                        self.allow(url)
                        continue
                    if answer.status_code == 304 and conditions:
                        return Got(None, dict(validators or {}))
                    _judge(url, answer)
                    size = await _save(answer, into, limit, url)
                    return Got(into, _validators(answer), size)
            except httpx.HTTPError as fault:
                raise SourceAway(address=shown(url), reason=type(fault).__name__) from fault
        raise SourceRefuses(address=shown(url), reason="redirects without end")

    def allow(self, url: str) -> None:
        """Refuse an address that the source gave us and that leads elsewhere."""
        parts = urlsplit(url)
        safer = urlsplit(self._told.url).scheme == "http" or parts.scheme == "https"
        if parts.scheme not in {"http", "https"} or not safer or _host(url) not in self._hosts:
            reason = f"it leads to {parts.scheme}://{parts.netloc.rpartition('@')[2]}, not in hosts"
            raise SourceRefuses(address=shown(self._told.url), reason=reason)

    def _credentials(self, url: str) -> dict[str, str]:
        if not self._secret or _host(url) != self._home:
            return {}
        if self._told.user:
            return {"Authorization": httpx.BasicAuth(self._told.user, self._secret)._auth_header}  # noqa: SLF001
        if self._told.header:
            return {self._told.header: self._secret}
        return {"Authorization": f"Bearer {self._secret}"}


def _host(url: str) -> str:
    """Return host and port, the port only where the address names one."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _conditions(validators: Mapping[str, str]) -> dict[str, str]:
    named = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
    return {named[key]: value for key, value in validators.items() if key in named}


def _validators(answer: httpx.Response) -> dict[str, str]:
    named = {"etag": "etag", "modified": "last-modified"}
    return {key: answer.headers[name] for key, name in named.items() if name in answer.headers}


def _judge(url: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    if answer.status_code in RETRIED:
        away = Away(address=shown(url), reason=f"HTTP {answer.status_code}")
        after = answer.headers.get("retry-after", "")
        away.after = min(float(after), 3600.0) if after.isdigit() else 0.0
        raise away
    raise SourceRefuses(address=shown(url), reason=f"HTTP {answer.status_code}")


async def _save(answer: httpx.Response, into: Path, limit: int, url: str) -> int:
    size = 0
    with into.open("wb") as file:
        async for part in answer.aiter_bytes():
            size += len(part)  # unpacked, so that what is small on the way cannot fill the disk
            if size > limit:
                raise TooMuch(shown(url), limit=f"{limit} bytes")
            file.write(part)
    return size


class Found(NamedTuple):
    """A file of a folder, and what marks its content."""

    name: str
    path: Path
    mark: str
    size: int


def wanted(name: str, pattern: str) -> bool:
    """Say whether a name is of the pattern and of a finished file."""
    hidden = name.startswith(".") or name.lower().endswith(UNFINISHED)
    return not hidden and fnmatchcase(name, pattern)


def in_folder(folder: Path, pattern: str, limit: int, pull: str) -> list[Found]:
    """Return the files of a folder, by name; links and what is not a plain file are passed over."""
    if not folder.is_absolute() or not folder.is_dir():
        raise SourceUnset(pull=pull, reason="url should be the absolute path of a folder")
    found = []
    for path in sorted(folder.iterdir()):
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or not wanted(path.name, pattern):
            continue
        if about.st_size > limit:
            found.append(Found(path.name, path, "", about.st_size))
            continue
        found.append(Found(path.name, path, mark_of(path), about.st_size))
    return found


def mark_of(file: Path) -> str:
    """Return the BLAKE2 digest of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def set_apart(found: Found) -> bool:
    """Move a file that was taken to `done/`; False when it has changed since it was read."""
    if not found.path.exists() or mark_of(found.path) != found.mark:
        return False
    folder = found.path.parent / "done"
    folder.mkdir(exist_ok=True)
    target = folder / found.name
    if target.exists():
        target = folder / f"{found.path.stem}.{found.mark[:8]}{found.path.suffix}"
    found.path.replace(target)
    return True
