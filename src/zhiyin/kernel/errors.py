"""Faults of the house: each says where, what is, what should be and what to do, in two languages.

One class per situation; the raise site gives fields, never sentences. The base class tells whose
fault it is: the caller's, the pack author's, the world's (try again) or ours (call someone).
"""

from typing import Any, ClassVar, NamedTuple


class Words(NamedTuple):
    """One sentence in the house's two languages; `{field}` marks are filled from the fault."""

    zh: str
    en: str

    def filled(self, fields: dict[str, Any]) -> "Words":
        return Words(self.zh.format(**fields), self.en.format(**fields))


class Fault(Exception):
    """Something did not go as it should; `code` is stable, the sentences are in `what` and `do`.

    `what` states what is and what should be; `do` says what to do about it. `where` names the
    place: a file with line and column, a setting, a field, a device.
    """

    code: ClassVar[str] = "zhiyin-000"
    status: ClassVar[int] = 500
    what: ClassVar[Words]
    do: ClassVar[Words]

    def __init__(self, where: str = "", **fields: Any) -> None:
        self.where = where
        self.fields = fields
        super().__init__(self.text("en"))

    def text(self, language: str = "zh") -> str:
        """Return the whole message: `where: what is, what should be. What to do.`"""
        what, do = self.what.filled(self.fields), self.do.filled(self.fields)
        body = f"{what.zh}{do.zh}" if language.startswith("zh") else f"{what.en} {do.en}"
        return f"{self.where}: {body}" if self.where else body

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 problem members (without `type`, which the server adds)."""
        what, do = self.what.filled(self.fields), self.do.filled(self.fields)
        return {
            "title": what.zh,
            "status": self.status,
            "detail": do.zh,
            "title_en": what.en,
            "detail_en": do.en,
            "code": self.code,
            "where": self.where,
            "fields": {key: str(value) for key, value in self.fields.items()},
        }


class CallerFault(Fault):
    """The caller asked for something that cannot be; the same call will be refused again."""

    status = 400


class PackFault(Fault):
    """A scenario pack says something that cannot be."""

    status = 422


class WorldFault(Fault):
    """The world outside does not play along (disk full, port taken, bus down); try again later."""

    status = 503


class OurFault(Fault):
    """The house itself is wrong; someone has to look."""

    status = 500
