"""A push source: a platform that may send here, by which mapping, and for which devices."""

from collections.abc import Callable, Mapping
from pathlib import Path

from zhiyin.cloud import PushSettings, Settings
from zhiyin.kernel import CallerFault, Words, new_id
from zhiyin.network.declared import Declared
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Register, Rejected
from zhiyin.network.payload.model import SCHEMES, PayloadMapping, Sign

PAGE = "docs/guides/push-from-a-platform.md"


class SourceUnusable(CallerFault):
    """A push source whose settings cannot be."""

    code = "network-181"
    what = Words("推送来源 {source} 不能用:{reason}。", "Push source {source} cannot be: {reason}.")
    do = Words(
        f"改 zhiyin.toml 里的 [push.{{source}}];写法见 {PAGE}。",
        f"Mend [push.{{source}}] in zhiyin.toml; {PAGE} says how.",
    )


class NoSuchSource(CallerFault):
    """A push for a source nobody has set up."""

    code = "network-182"
    status = 404
    what = Words("没有推送来源 {source}。", "There is no push source {source}.")
    do = Words(
        "核对网址最后一段与 zhiyin.toml 里 [push.…] 的名字。",
        "Compare the end of the address with the names [push.…] in zhiyin.toml.",
    )


class Source:
    """One push source, ready."""

    def __init__(self, name: str, told: PushSettings, declared: Declared) -> None:
        def wrong(reason: str) -> SourceUnusable:
            return SourceUnusable("zhiyin.toml", source=name, reason=reason)

        if told.mapping not in declared.payloads:
            known = ", ".join(sorted(declared.payloads))
            raise wrong(f"mapping {told.mapping!r} is not one of {known}")
        self.name = name
        self.mapping: PayloadMapping = declared.payloads[told.mapping]
        if told.sign and told.sign not in SCHEMES:
            raise wrong(f"sign {told.sign!r} is not one of {', '.join(SCHEMES)}")
        self.sign: Sign = SCHEMES[told.sign] if told.sign else self.mapping.sign or SCHEMES["hmac"]
        self.secret = _read(told.secret, wrong)
        if not self.secret and not told.open:
            raise wrong("it has no secret; to let anybody push say open = true")
        unknown = [one for one in told.templates if one not in declared.templates]
        if unknown:
            raise wrong(f"template {unknown[0]!r} is declared by no pack")
        self._types = frozenset(declared.templates[one] for one in told.templates)

    def own(
        self, register: Register, message: Message, label: str, received: int
    ) -> tuple[Message, list[Rejected]]:
        """Return the rows this source may send, and the others as they are kept apart."""
        if not self._types:
            return message, []
        mine: list[int] = []
        foreign: list[Rejected] = []
        for at, (thing, prop, time, value) in enumerate(zip(*message, strict=True)):
            series = register.of_thing.get(thing)
            if not series or register.series[series[0]].type in self._types:
                mine.append(at)  # of one that is not registered the front door knows
                continue
            raw = {"thing": thing, "property": prop, "time": time, "value": value}
            detail = f"{self.name} may not speak for {thing}"[:400]
            foreign.append(
                Rejected(new_id(), Reason.WRONG_KEY, detail, label, received, thing, prop, raw)
            )
        if not foreign:
            return message, []
        return Message(*([column[at] for at in mine] for column in message)), foreign


def sources(settings: Settings, declared: Declared) -> Mapping[str, Source]:
    """Return the push sources of the settings; SourceUnusable for one that cannot be."""
    return {name: Source(name, told, declared) for name, told in settings.push.items()}


def _read(secret: str, wrong: Callable[[str], SourceUnusable]) -> str:
    if not secret.startswith("file:"):
        return secret
    try:
        return Path(secret.removeprefix("file:")).read_text("utf-8").strip()
    except OSError as fault:
        raise wrong(f"its secret's file: {fault.strerror}") from fault
