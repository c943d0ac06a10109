"""Who may push to us: by digest (GA/T 1400.4), as one that registered, or by a bearer key."""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from zhiyin.kernel import CallerFault, Clock, Words
from zhiyin.network.frame import Facts
from zhiyin.network.gat1400.digest import Digest, read_authorization
from zhiyin.network.gat1400.limits import Limits

Find = Callable[[str], Facts | None]


class NotRegistered(CallerFault):
    """A sender that has not registered, or whose key is not its own."""

    code = "network-140"
    status = 401
    what = Words(
        "{device} 没有注册,或口令不对。", "{device} has not registered, or its key is not right."
    )
    do = Words(
        "先用摘要认证注册(/VIID/System/Register)。",
        "Register first, with digest authentication (/VIID/System/Register).",
    )


class Refused(CallerFault):
    """Too many wrong keys from one host."""

    code = "network-141"
    status = 429
    what = Words("{host} 的口令错了太多次。", "{host} gave a wrong key too many times.")
    do = Words("改正口令,过几分钟再试。", "Correct the key and try again in a few minutes.")


class Caller(NamedTuple):
    """A request, as far as it matters who sends it."""

    method: str
    path: str
    host: str
    device: str  # User-Identify
    authorization: str


class Stale(NotRegistered):
    """A digest with a nonce that is too old: the same key with a new one will do."""

    code = "network-142"


class Senders:
    """Those that registered, and the keys that were wrong; both bounded."""

    def __init__(self, limits: Limits, clock: Clock, find: Find) -> None:
        self.limits, self._clock, self._find = limits, clock, find
        self.digest = Digest(limits.realm, limits.nonce_life, limits.nonces)
        self._registered: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._wrong: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def _password(self, device: str, facts: Facts) -> Callable[[str], str | None]:
        user = str(facts.settings.get("user") or device)
        return lambda name: facts.key if facts.key and name == user else None

    def _count_wrong(self, host: str, now: int) -> None:
        count, since = self._wrong.get(host, (0, now))
        if now - since > self.limits.nonce_life:
            count, since = 0, now
        self._wrong[host] = (count + 1, since)
        while len(self._wrong) > self.limits.registered:
            self._wrong.popitem(last=False)

    def _look(self, caller: Caller, now: int) -> None:
        count, since = self._wrong.get(caller.host, (0, now))
        if count >= self.limits.tries and now - since <= self.limits.nonce_life:
            raise Refused("Authorization", host=caller.host)

    def authenticate(self, caller: Caller, device: str) -> Facts:
        """Return what is known of a device whose digest is right; NotRegistered otherwise.

        A device without a key gets in only with its setting `open`.
        """
        now = self._clock.now()
        self._look(caller, now)
        said = read_authorization(caller.authorization)
        facts = self._find(device) if device else None
        if not said:
            raise NotRegistered("Authorization", device=device or "?")
        if not self.digest.fresh(said, now):
            raise Stale("Authorization", device=device or "?")
        if facts is not None and not facts.key and facts.settings.get("open", False):
            return facts
        password = self._password(device, facts) if facts else lambda _: None
        if facts is None or not self.digest.check(said, caller.method, caller.path, password):
            self._count_wrong(caller.host, now)
            raise NotRegistered("Authorization", device=device or "?")
        self._wrong.pop(caller.host, None)
        return facts

    def register(self, caller: Caller, device: str) -> None:
        """Take a device in that authenticates itself."""
        self.authenticate(caller, device)
        self._note(device, caller.host)

    def _note(self, device: str, host: str) -> None:
        self._registered[device] = (host, self._clock.now())
        self._registered.move_to_end(device)
        while len(self._registered) > self.limits.registered:
            self._registered.popitem(last=False)

    def admit(self, caller: Caller, device: str = "") -> str:
        """Return the sender of a request: registered from the same host, or with a digest.

        `device` is what the body names; the header User-Identify where it names none.
        """
        device = device or caller.device
        host, last = self._registered.get(device, ("", 0))
        fresh = self._clock.now() - last <= self.limits.silence
        if host and host == caller.host and fresh and self._find(device) is not None:
            self._note(device, host)
            return device
        self.register(caller, device)
        return device

    def unregister(self, caller: Caller, device: str) -> None:
        self.admit(caller, device)
        self._registered.pop(device, None)

    def bearer(self, caller: Caller, device: str) -> Facts:
        """Return what is known of a device whose bearer key is right; NotRegistered otherwise."""
        now = self._clock.now()
        self._look(caller, now)
        scheme, _, key = caller.authorization.partition(" ")
        facts = self._find(device) if device else None
        given = key.strip().encode() if scheme.lower() == "bearer" else b""
        if facts and facts.key and hmac.compare_digest(given, facts.key.encode()):
            return facts
        self._count_wrong(caller.host, now)
        raise NotRegistered("Authorization", device=device or "?")
