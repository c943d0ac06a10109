"""联动指挥:the routes of cases."""

import csv
import io
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from zhiyin.command.model import NoSuchActor, State, Step, UnknownStep
from zhiyin.command.service import Cases
from zhiyin.command.store import CaseFilter
from zhiyin.kernel import CallerFault, WarningLevel, Words

ACTOR = "X-Zhiyin-User"
_MOST = 100_000  # rows of one export
_COLUMNS = {
    "number": "编号", "type_title": "类型", "title": "内容", "state_title": "状态", "level": "级别",
    "area_name": "区域", "thing_name": "部件", "unit": "牵头单位", "opened_at": "立案时间(UTC)",
    "due_at": "时限(UTC)", "closed_at": "结案时间(UTC)", "remaining_s": "剩余(秒)",
    "overdue": "超期", "rework": "返工次数", "source": "来源", "id": "id",
}  # fmt: skip


class UnknownState(CallerFault):
    """A state that no case can be in."""

    code = "command-030"
    what = Words("状态是 {found};应为 open 或其中几个:{known}。",
                 "The state is {found}; it should be open or some of {known}.")  # fmt: skip
    do = Words("改正 state。", "Correct `state`.")


class UnknownLevel(CallerFault):
    """A word that is no warning level."""

    code = "command-031"
    what = Words(
        "级别是 {found};应为其一:{known}。", "The level is {found}; it should be one of {known}."
    )
    do = Words("改正 level。", "Correct `level`.")


class StepAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a step; `passed: false` on a check is a rework; `version` is what was seen."""

    step: str
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    unit: Annotated[str, msgspec.Meta(max_length=120)] = ""
    passed: bool = True
    version: int | None = None


def actor_of(request: Request[Any, Any, Any]) -> str:
    """Return who acts, `user:<name>`; over HTTP nobody acts as the system or a device."""
    name = unquote(request.headers.get(ACTOR, "user:duty")).strip()
    kind, _, rest = name.rpartition(":")
    if kind not in {"", "user"} or not rest or len(rest) > 64 or not rest.isprintable():
        raise NoSuchActor(ACTOR, found=repr(name))
    return f"user:{rest}"


def _step(asked: StepAsked) -> Step:
    known = [step.value for step in Step if step is not Step.FILE]
    if asked.step not in known:
        raise UnknownStep("step", found=asked.step, known=", ".join(known))
    step = Step(asked.step)
    return Step.REWORK if step is Step.CHECK and not asked.passed else step


def _states(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    if text == "open":
        return tuple(state.value for state in State if not state.ended)
    asked, known = tuple(text.split(",")), [state.value for state in State]
    if not set(asked) <= set(known):
        raise UnknownState("state", found=text, known=", ".join(known))
    return asked


def _level(text: str | None) -> int:
    known = [level.key for level in WarningLevel if level]
    if text and text not in known:
        raise UnknownLevel("level", found=text, known=", ".join(known))
    return int(WarningLevel.of(text)) if text else 0


def wanted_cases(
    standing: Annotated[
        str | None, QueryParameter(name="state", description="`open`, or states joined by commas")
    ] = None,
    kind: Annotated[str, QueryParameter(name="type", description="key of a case type")] = "",
    area: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    level: FromQuery[str | None] = None,
    overdue: FromQuery[bool | None] = None,
    q: FromQuery[str] = "",
) -> CaseFilter:
    """Read which cases are asked for; `level` means this one or higher."""
    return CaseFilter(
        states=_states(standing), area=area, type=kind, unit=unit, level=_level(level),
        overdue=overdue, q=q,
    )  # fmt: skip


def router(cases: Cases) -> Router:
    """Return the routes of cases, to be mounted under the API's path."""

    @get("/cases", summary="Cases by remaining time; the total in X-Total-Count")
    async def list_cases(
        request: Request[Any, Any, Any],
        wanted: NamedDependency[CaseFilter],
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
        offset: Annotated[int, QueryParameter(ge=0)] = 0,
    ) -> Response[list[dict[str, Any]]]:
        page, total = await cases.page(wanted, limit, offset, actor_of(request))
        return Response(page, headers={"X-Total-Count": str(total)})

    @get("/cases.csv", media_type=MediaType.TEXT, summary="The same list as CSV for Excel")
    async def export_cases(
        request: Request[Any, Any, Any],
        wanted: NamedDependency[CaseFilter],
    ) -> Response[bytes]:
        page, total = await cases.page(wanted, _MOST, by=actor_of(request))
        return Response(
            csv_of(page),
            media_type="text/csv; charset=utf-8",
            headers={
                "X-Total-Count": str(total),
                "Content-Disposition": 'attachment; filename="cases.csv"',
            },
        )

    @get("/cases/{case_id:str}", summary="One case with its log, what may be done and why not")
    async def show_case(request: Request[Any, Any, Any], case_id: FromPath[str]) -> dict[str, Any]:
        return await cases.detail(case_id, actor_of(request))

    @get("/cases/{case_id:str}/verify", summary="Whether the hash chain of a case's log holds")
    async def verify_case(case_id: FromPath[str]) -> dict[str, Any]:
        return await cases.verify(case_id)

    @post("/cases/{case_id:str}/steps", summary="Take a step of a case")
    async def take_step(
        request: Request[Any, Any, Any], case_id: FromPath[str], data: JSONBody[StepAsked]
    ) -> dict[str, Any]:
        by = actor_of(request)
        async with cases.database.write(by) as session:
            await cases.take(
                session, case_id, _step(data), by, data.note, data.unit, seen=data.version
            )
        return await cases.detail(case_id, by)

    return Router(
        path="/",
        dependencies={"wanted": Provide(wanted_cases, sync_to_thread=False)},
        tags=["command 联动指挥"],
        route_handlers=[list_cases, export_cases, show_case, verify_case, take_step],
    )


def csv_of(page: list[dict[str, Any]]) -> bytes:
    """Return cases as CSV with a byte-order mark, which makes Excel read it as UTF-8.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS.values())
    writer.writerows([_cell(case[key]) for key in _COLUMNS] for case in page)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else text
