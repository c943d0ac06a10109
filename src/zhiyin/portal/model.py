"""一门户:what the public is told. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from zhiyin.kernel import WarningLevel, Words

# What anybody can do at a level, whatever the cause; a pack's own advice goes before it.
ADVICE: Final = {
    WarningLevel.YELLOW: Words(
        "经过这里请留意,绕开低洼处;老人和孩子少停留。",
        "Take care when passing, keep off low ground; the old and the young should not linger.",
    ),
    WarningLevel.ORANGE: Words(
        "不要驾车或步行通过;已在附近的尽快离开,按现场人员指引绕行。",
        "Do not drive or walk through; leave the place soon and follow the people on site.",
    ),
    WarningLevel.RED: Words(
        "立即离开;不要进入下穿通道、地下空间和水边。遇险拨打 110 或 119。",
        "Leave at once; keep out of underpasses, basements and the waterside. In danger call 110 "
        "or 119.",
    ),
}
# Only these go out: no operator's name, no note, no device, no evidence.
_TOLD: Final = (
    "id", "level", "title", "title_en", "says", "says_en", "place", "area", "area_name",
    "raised_at", "changed_at",
)  # fmt: skip


def public(warning: dict[str, Any]) -> dict[str, Any]:
    """Return what the public is told of a warning: where, how bad, since when, what to do."""
    advice = ADVICE[WarningLevel.of(warning["level"])]
    told = {key: warning.get(key) for key in _TOLD}
    return {
        **told,
        "place_name": warning.get("thing_name"),
        "what_to_do": warning.get("advice") or advice.zh,
        "what_to_do_en": warning.get("advice_en") or advice.en,
    }


def public_warnings(warnings: Iterable[dict[str, Any]], area: str = "") -> list[dict[str, Any]]:
    """Return open warnings from yellow up, the highest first and the newest of each level first."""
    told = [
        public(warning)
        for warning in warnings
        if WarningLevel.of(warning["level"]) in ADVICE
        and area in {"", warning.get("area"), warning.get("area_name")}
    ]
    told.sort(key=lambda warning: str(warning["raised_at"]), reverse=True)
    return sorted(told, key=lambda warning: WarningLevel.of(warning["level"]), reverse=True)
