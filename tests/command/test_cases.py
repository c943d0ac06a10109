"""Cases as a duty officer sees them over HTTP, from the warning to the closed log."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.command.desk import OPENED, Desk, event
from zhiyin import cloud
from zhiyin.command import Case, CaseStep, NewCase, replay, store
from zhiyin.command.service import progress_of
from zhiyin.command.store import LogIsFixed
from zhiyin.kernel import HOUR, WarningLevel, iso


async def test_a_warning_opens_one_case_with_owner_place_and_clock(desk: Desk) -> None:
    await desk.hear(event())
    case = await desk.only()
    assert case["number"] == "HY-1123-0001"
    assert (case["unit"], case["level"], case["state"]) == ("区水务和湖泊局", "orange", "filed")
    assert case["due_at"] == iso(OPENED + 4 * HOUR)
    assert case["remaining_s"] == 4 * 3600
    assert case["place"] == [114.27, 30.55]
    assert case["steps"][0]["data"]["evidence"] == {"rule": "ponding_depth", "version": "1"}
    assert case["may"] == ["accept", "void", "note"]


async def test_the_same_warning_again_makes_no_second_case_but_raises_its_level(desk: Desk) -> None:
    await desk.hear(event(), event(), event("level", "red"), event("level", "red"))
    case = await desk.only()
    assert case["level"] == "red"
    assert [step["step"] for step in case["steps"]] == ["file", "note"]


async def test_a_lower_level_leaves_the_case_as_it_is(desk: Desk) -> None:
    await desk.hear(event(level="red"), event("level", "orange"), event("level", "yellow"))
    assert (await desk.only())["level"] == "red"


async def test_below_the_level_that_opens_there_is_no_case(desk: Desk) -> None:
    await desk.hear(event(level="yellow"))
    assert await desk.list() == []


async def test_a_jump_over_the_level_that_opens_opens(desk: Desk) -> None:
    await desk.hear(event(level="red", opens={"orange": "waterlogging"}))
    assert (await desk.only())["level"] == "red"


async def test_a_case_type_of_no_pack_holds_up_nothing_and_is_announced(desk: Desk) -> None:
    await desk.hear(event(n=1, opens={"orange": "gone"}), event(n=2))
    assert [case["thing"] for case in await desk.list()] == ["pp-2"]
    async with desk.cases.database.read() as session:
        kinds = set(await session.scalars(select(cloud.OutboxRow.kind)))
    assert "command.case.refused" in kinds


async def test_a_cleared_warning_is_noted_once_and_closes_nothing(desk: Desk) -> None:
    await desk.hear(event(), event("cleared", "none"), event("cleared", "none"))
    case = await desk.only()
    assert case["state"] == "filed"
    assert [step["note"] for step in case["steps"]] == ["", "预警已解除"]
    assert case["steps"][1]["note_en"] == "The warning is cleared"


async def test_from_filing_to_closing_by_two_hands(desk: Desk) -> None:
    await desk.hear(event())
    await desk.step("accept", "wang")
    await desk.step("dispatch", "wang", unit="排水队")
    await desk.step("dispose", "li", note="抽排完毕")
    await desk.step("check", "wang")
    desk.clock.advance(HOUR)
    case = await desk.step("close", "wang")
    assert (case["state"], case["unit"], case["may"]) == ("closed", "排水队", [])
    assert not case["overdue"]
    assert case["remaining_s"] == 4 * 3600 - 3600
    verified = (await desk.client.get(f"/cases/{case['id']}/verify")).json()
    assert verified == {"holds": True, "steps": 6, "head": case["hash"], "breaks_at": None}


async def test_who_disposes_may_not_check_and_is_told_who_may(desk: Desk) -> None:
    await desk.hear(event())
    await desk.go("accept dispatch", "li")
    case = await desk.step("dispose", "li", note="done")
    assert case["may"] == ["note"]
    assert "处置过" in case["why_not"]["check"]["zh"]
    refused = await desk.step("check", "li", expect=403)
    assert refused["code"] == "command-014"
    assert "没有处置过此案的人" in refused["detail"]
    await desk.step("void", "li", expect=403, note="x")


async def test_a_failed_check_sends_it_back_and_counts(desk: Desk) -> None:
    await desk.hear(event())
    await desk.go("accept dispatch", "wang")
    await desk.step("dispose", "li", note="done")
    await desk.step("check", "wang", expect=400, passed=False)
    case = await desk.step("check", "wang", passed=False, note="还有水")
    assert (case["state"], case["rework"]) == ("dispatched", 1)
    await desk.step("dispose", "li", note="again")
    case = await desk.step("rework", "wang", note="still")
    assert case["rework"] == 2


@pytest.mark.parametrize(
    ("step", "body", "code"),
    [
        ("close", {}, "command-013"),
        ("void", {}, "command-015"),
        ("dance", {}, "command-012"),
        ("file", {}, "command-012"),
        ("accept", {"version": 7}, "command-016"),
    ],
)
async def test_refusals_say_what_to_do(
    desk: Desk, step: str, body: dict[str, Any], code: str
) -> None:
    await desk.hear(event())
    status = 409 if code in {"command-013", "command-016"} else 400
    assert (await desk.step(step, expect=status, **body))["code"] == code
    assert len((await desk.only())["steps"]) == 1


async def test_nobody_acts_as_the_system_over_http(desk: Desk) -> None:
    answer = await desk.client.get("/cases", headers={"X-Zhiyin-User": "system:command"})
    assert answer.json()["code"] == "command-017"


async def test_lists_are_filtered_counted_and_sorted_by_remaining(desk: Desk) -> None:
    await desk.hear(event(n=1))
    desk.clock.advance(HOUR)
    await desk.hear(event(n=2), event(n=3, level="red"))
    desk.clock.advance(3 * HOUR + 1)
    page = await desk.client.get("/cases?limit=2")
    assert page.headers["X-Total-Count"] == "3"
    assert [case["number"] for case in page.json()] == ["HY-1123-0001", "HY-1123-0002"]
    assert [case["thing"] for case in await desk.list("?overdue=true")] == ["pp-1"]
    assert len(await desk.list("?overdue=false&state=open")) == 2
    assert [case["thing"] for case in await desk.list("?q=3号")] == ["pp-3"]
    assert [case["thing"] for case in await desk.list("?level=red")] == ["pp-3"]
    assert await desk.list("?type=manhole") == await desk.list("?q=%25") == []
    assert (await desk.client.get("/cases?state=odd")).json()["code"] == "command-030"
    assert (await desk.client.get("/cases/none")).status_code == 404


async def test_the_csv_opens_in_excel_and_runs_no_formula(desk: Desk) -> None:
    said = event()
    said["data"]["warning"]["says"] = "=1+1"
    await desk.hear(said)
    body = (await desk.client.get("/cases.csv")).content
    assert body.startswith("\ufeff编号,".encode())
    assert b",'=1+1," in body


async def test_numbers_of_a_day_have_no_gap_and_no_twin(desk: Desk) -> None:
    await asyncio.gather(*(desk.hear(event(n=n)) for n in range(40)))
    numbers = sorted(case["number"] for case in await desk.list("?limit=1000"))
    assert numbers == [f"HY-1123-{n:04d}" for n in range(1, 41)]


async def test_racing_events_of_one_warning_make_one_case(desk: Desk) -> None:
    await asyncio.gather(*(desk.hear(event()) for _ in range(10)))
    assert len(await desk.list()) == 1


async def test_numbers_begin_again_with_the_districts_day(desk: Desk) -> None:
    await desk.hear(event(n=1))
    desk.clock.advance(10 * HOUR)  # midnight in the district, 16:00 in UTC
    await desk.hear(event(n=2))
    assert {case["number"] for case in await desk.list()} == {"HY-1123-0001", "HY-1124-0001"}


async def test_the_row_is_what_its_log_replays_to(desk: Desk) -> None:
    await desk.hear(event(), event("level", "red"))
    await desk.go("accept dispatch", "wang")
    await desk.step("dispose", "li", note="done")
    await desk.step("rework", "wang", note="no")
    await desk.hear(event("cleared", "none"))
    await desk.step("void", "zhao", note="重复")
    async with desk.cases.database.read() as session:
        case = (await session.scalars(select(Case))).one()
        assert replay(await store.log_of(session, case.id)) == progress_of(case)


@pytest.mark.parametrize("change", [{"note": "forged"}, {"by": "user:x"}, {"data": {"level": 1}}])
async def test_a_forged_line_breaks_the_chain(desk: Desk, change: dict[str, Any]) -> None:
    await desk.hear(event())
    await desk.step("accept")
    case = await desk.step("dispatch")
    async with desk.cases.database.write("user:thief") as session:
        await session.execute(update(CaseStep).where(CaseStep.n == 2).values(**change))
    verified = (await desk.client.get(f"/cases/{case['id']}/verify")).json()
    assert (verified["holds"], verified["breaks_at"]) == (False, 2)


async def test_a_log_cut_short_is_found(desk: Desk) -> None:
    await desk.hear(event())
    case = await desk.step("accept")
    async with desk.cases.database.write("user:thief") as session:
        await session.execute(CaseStep.__table__.delete().where(CaseStep.n == 2))  # type: ignore[attr-defined]
    assert (await desk.client.get(f"/cases/{case['id']}/verify")).json()["breaks_at"] == 2


async def test_a_line_of_the_log_cannot_be_changed_through_the_house(desk: Desk) -> None:
    await desk.hear(event())
    with pytest.raises(LogIsFixed):
        async with desk.cases.database.write("user:li") as session:
            (await session.scalars(select(CaseStep))).one().note = "other"


async def test_every_step_is_announced(desk: Desk) -> None:
    await desk.hear(event())
    await desk.step("accept")
    await desk.step("void", note="误报")
    async with desk.cases.database.read() as session:
        rows = await session.scalars(select(cloud.OutboxRow).order_by(cloud.OutboxRow.id))
        said = [row for row in rows if row.kind.startswith("command.case.")]
    assert [row.kind.rpartition(".")[2] for row in said] == ["opened", "stepped", "closed"]
    assert said[0].data["warning_id"] == "w-1"
    assert said[2].actor == "user:li"


async def test_figures_of_the_day(desk: Desk) -> None:
    await desk.hear(event(n=1), event(n=2))
    await desk.step("void", note="x")
    desk.clock.advance(5 * HOUR)
    async with desk.cases.database.write("user:li") as session:
        new = NewCase(type="manhole", level=WarningLevel.NONE, title="a", title_en="a", source="s")
        await desk.cases.open(session, new, by="user:li")
    figures = await desk.cases.figures()
    assert figures["today"] == {"received": 3, "closed": 0, "moving": 2, "overdue": 1}
    assert figures["hours"][14] == {"hour": 14, "today": 2, "yesterday": 0}
    assert figures["hours"][20]["today"] is None
    kinds = {kind["type"]: (kind["count"], kind["on_time"]) for kind in figures["by_type"]}
    assert kinds == {"manhole": (1, 1), "waterlogging": (1, 0)}
