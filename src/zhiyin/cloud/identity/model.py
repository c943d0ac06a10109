"""Who acts and what they may do: role × area × unit, deny by default. Pure; no I/O.

A right is `<thing>.<verb>` (`case.dispose`). A grant gives the rights of one role in some areas and
for some units, for a time. Areas are codes of GB/T 2260 and of the statistical divisions: 6 digits
a district, 9 a street, 12 a community; a grant for one holds in every area whose code begins so.
"""

from collections.abc import Iterable

import msgspec

from zhiyin.kernel import CallerFault, Words

ANONYMOUS = "anonymous"


class NotAllowed(CallerFault):
    """Somebody known asked for what none of their roles gives them there."""

    code = "cloud-050"
    status = 403
    what = Words(
        "{who}没有“{right}”的权限{there}。", "{who_en} has no right “{right_en}”{there_en}."
    )
    do = Words(
        "由有此权限的角色来做({roles}),或由管理员授权。",
        "Somebody whose role has it may ({roles_en}), or an administrator grants it.",
    )


class LoginNeeded(CallerFault):
    """Nobody known asked for what is not open to everybody."""

    code = "cloud-051"
    status = 401
    what = Words("没有登录,或登录已过期。", "Nobody is logged in, or the login has expired.")
    do = Words("登录后再试;系统对接用 API 密钥。", "Log in and try again; systems use an API key.")


class Grant(msgspec.Struct, frozen=True):
    """The rights of one role, where and for how long; None is everywhere or for every unit."""

    role: str
    rights: frozenset[str]
    areas: frozenset[str] | None = None
    units: frozenset[str] | None = None
    until: int | None = None  # UTC ms at which it ends
    lent_by: str = ""  # the account that delegated it

    def covers(self, right: str, area: str, unit: str) -> bool:
        """Whether it gives a right there; an empty `area` or `unit` asks for anywhere at all."""
        return (
            right in self.rights
            and (self.areas is None or not area or area.startswith(tuple(self.areas)))
            and (self.units is None or not unit or unit in self.units)
        )


class Scope(msgspec.Struct, frozen=True):
    """One part of what somebody may see: rows of these areas and these units; None is all."""

    areas: frozenset[str] | None = None
    units: frozenset[str] | None = None


class Actor(msgspec.Struct, frozen=True):
    """Who acts: `user:<account>`, `key:<name>`, `system:<part>` or `anonymous`."""

    id: str
    name: str = ""
    unit: str = ""  # id of the unit they belong to
    grants: tuple[Grant, ...] = ()

    @property
    def rights(self) -> frozenset[str]:
        return frozenset().union(*(grant.rights for grant in self.grants))

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(grant.role for grant in self.grants))

    def may(self, right: str, *, area: str = "", unit: str = "") -> bool:
        return any(grant.covers(right, area, unit) for grant in self.grants)

    def may_any(self, right: str, *, area: str = "", units: Iterable[str] = ()) -> bool:
        """Whether the right is given for at least one of these units."""
        return any(self.may(right, area=area, unit=unit) for unit in units)

    def scopes(self, right: str) -> tuple[Scope, ...]:
        """Return what parts of a list this right opens, () for none; one is enough for a row."""
        return tuple(
            Scope(grant.areas, grant.units) for grant in self.grants if right in grant.rights
        )

    def require(self, right: str, *, area: str = "", unit: str = "") -> None:
        """Raise LoginNeeded or NotAllowed unless the right is given there."""
        if self.may(right, area=area, unit=unit):
            return
        if self.id == ANONYMOUS:
            raise LoginNeeded(right)
        where = "、".join(part for part in (area, unit) if part)
        raise NotAllowed(
            right, who=self.name or self.id, who_en=self.name or self.id, right=right,
            right_en=right, there=f"({where})" if where else "",
            there_en=f" ({where})" if where else "", roles="–", roles_en="–",
        )  # fmt: skip
