"""What the public is told: where, how bad, what to do; never who works on it."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from litestar.testing import AsyncTestClient

from zhiyin.portal import router


class Watch:
    """Open warnings as the watch room tells them."""

    async def open(self) -> Sequence[dict[str, Any]]:
        levels = ["blue", "yellow", "red", "yellow"]
        return [
            {
                "id": f"w{n}", "level": level, "title": "积水", "thing": "dev-7",
                "thing_name": "四新北路口", "place": [114.2, 30.5], "area": f"a{n}",
                "raised_at": f"2026-11-23T06:0{n}:00.000Z", "acknowledged_by": "user:li",
                "evidence": {"values": []}, "case_id": "c",
            }
            for n, level in enumerate(levels)
        ]  # fmt: skip


async def test_yellow_and_above_with_place_and_advice_and_no_names() -> None:
    async with AsyncTestClient(Litestar([router(Watch())], openapi_config=None)) as client:
        body = (await client.get("/public/warnings")).text
        warnings = (await client.get("/public/warnings")).json()
        here = (await client.get("/public/warnings?area=a1")).json()
    assert [warning["id"] for warning in warnings] == ["w2", "w3", "w1"]
    assert warnings[0]["what_to_do"].startswith("立即离开")
    assert warnings[0]["what_to_do_en"].startswith("Leave at once")
    assert [warning["id"] for warning in here] == ["w1"]
    assert "user:li" not in body
    assert "dev-7" not in body
