"""HTTP Digest access authentication (RFC 7616; MD5, qop "auth") as GA/T 1400.4 asks for it.

Nonces are signed and dated, so that a flood of strangers costs no memory; only those with which
somebody got in are remembered, with the count of their uses.
"""

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import md5, sha256

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.){0,1024})"|([^\s,"]{1,1024}))')


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def read_authorization(header: str) -> dict[str, str]:
    """Return the parameters of `Authorization: Digest …`; empty when it is none."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest" or len(rest) > 4096:
        return {}
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for name, quoted, bare in _PAIR.findall(rest)
    }


def response_of(said: dict[str, str], method: str, password: str) -> str:
    """Return what `response` should be (RFC 7616 §3.4.1)."""
    one = _hash(f"{said.get('username', '')}:{said.get('realm', '')}:{password}")
    two = _hash(f"{method}:{said.get('uri', '')}")
    parts = (one, said.get("nonce", ""), said.get("nc", ""), said.get("cnonce", ""), "auth", two)
    return _hash(":".join(parts))


class Digest:
    """Gives challenges and checks what comes back."""

    def __init__(self, realm: str, life: int, most: int) -> None:
        """`life` of a nonce in ms; `most` nonces in use are remembered."""
        self._realm, self._life, self._most = realm, life, most
        self._secret = secrets.token_bytes(32)
        self._used: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def challenge(self, now: int, *, stale: bool = False) -> str:
        """Return the value of `WWW-Authenticate`."""
        head = f"{now + self._life:x}-{secrets.token_hex(8)}"
        more = ", stale=true" if stale else ""
        return (
            f'Digest realm="{self._realm}", qop="auth", algorithm=MD5, '
            f'nonce="{head}-{self._mac(head)}"{more}'
        )

    def _mac(self, head: str) -> str:
        return hmac.new(self._secret, head.encode(), sha256).hexdigest()[:24]

    def fresh(self, said: dict[str, str], now: int) -> bool:
        """Return whether the nonce is ours and not too old."""
        head, _, mac = said.get("nonce", "").rpartition("-")
        if not hmac.compare_digest(mac.encode(), self._mac(head).encode()):
            return False
        return now <= int(head.partition("-")[0], 16)

    def check(
        self, said: dict[str, str], method: str, path: str, password: Callable[[str], str | None]
    ) -> bool:
        """Return whether the answer is right; `password` of a user name, None for a stranger.

        The nonce must have been found fresh. A count that was used already is refused.
        """
        known = password(said.get("username", ""))
        should = response_of(said, method, known if known is not None else secrets.token_hex(16))
        right = hmac.compare_digest(said.get("response", "").lower().encode(), should.encode())
        count = said.get("nc", "")
        formed = (
            said.get("realm") == self._realm
            and said.get("qop") == "auth"
            and said.get("algorithm", "MD5").upper() == "MD5"
            and said.get("uri", "").partition("?")[0].endswith(path)
            and re.fullmatch(r"[0-9a-fA-F]{1,8}", count) is not None
        )
        if known is None or not right or not formed:
            return False
        nonce, number = said["nonce"], int(count, 16)
        if number <= self._used.get(nonce, 0):
            return False
        self._used[nonce] = number
        self._used.move_to_end(nonce)
        while len(self._used) > self._most:
            self._used.popitem(last=False)
        return True
