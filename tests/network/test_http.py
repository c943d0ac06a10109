"""Observations over HTTP: every form taken, every reason to keep one apart, nothing twice."""

import time
from typing import Any

import httpx
import pytest

from tests.brains import RunningBrain, until
from tests.rooms import figure, kept, new_device, reading, stored
from zhiyin.kernel import DAY, HOUR, MINUTE, iso, new_id


def now() -> int:
    return time.time_ns() // 1_000_000


def metrics(brain: RunningBrain) -> str:
    return httpx.get(f"{brain.url}/metrics", trust_env=False).text


def send(brain: RunningBrain, body: bytes, **headers: str) -> httpx.Response:
    return httpx.post(f"{brain.api}/observations", content=body, headers=headers, trust_env=False)


def test_one_many_and_columns_all_arrive(brain: RunningBrain) -> None:
    thing, t = new_device(brain), now() - HOUR
    one = brain.post("/observations", reading(thing, t, 0.1))
    many = brain.post("/observations", [reading(thing, t + n * MINUTE, 0.1) for n in (1, 2)])
    columns = {"thing": [thing] * 2, "property": ["depth"] * 2, "value": [0.3, 0.4],
               "time": [t + 3 * MINUTE, iso(t + 4 * MINUTE)]}  # fmt: skip
    lists = brain.post("/observations", columns)
    assert [answer.status_code for answer in (one, many, lists)] == [202] * 3
    assert [answer.json()["accepted"] for answer in (one, many, lists)] == [1, 2, 2]
    rows = stored(brain, thing, 5)
    assert [row["time"] for row in rows] == [iso(t + n * MINUTE) for n in range(5)]
    assert [row["value"] for row in rows] == [0.1, 0.1, 0.1, 0.3, 0.4]


def test_without_a_time_it_is_now(brain: RunningBrain) -> None:
    thing, before = new_device(brain), now()
    brain.post("/observations", {"thing": thing, "property": "depth", "value": 0.2})
    (row,) = stored(brain, thing, 1)
    assert iso(before) <= row["time"] <= iso(now())


@pytest.mark.parametrize(
    ("prop", "offset", "value", "reason", "says"),
    [
        ("salinity", 0, 1.0, "unknown_property", "has no property 'salinity'"),
        ("depth", 0, "deep", "wrong_type", "value is 'deep'; it should be a number"),
        ("depth", 0, None, "wrong_type", "value is None"),
        ("depth", 0, True, "wrong_type", "value is True"),
        ("depth", 0, 5.01, "out_of_range", "value is 5.01 m; it should be 0 to 5"),
        ("depth", 0, 10**400, "out_of_range", "it should be 0 to 5"),
        ("depth", HOUR, 0.1, "clock_off", "the clock here says"),
        ("depth", -31 * DAY, 0.1, "clock_off", "the clock here says"),
    ],
)
def test_what_cannot_be_is_kept_apart_with_its_reason(
    brain: RunningBrain, prop: Any, offset: Any, value: Any, reason: Any, says: Any
) -> None:
    thing = new_device(brain)
    page = metrics(brain)
    answer = brain.post("/observations", reading(thing, now() + offset, value, prop))
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 0, "quarantined": 1, "reasons": {reason: 1}}
    (item,) = kept(brain, thing)
    assert (item["reason"], item["source"], item["state"]) == (reason, "http", "kept")
    assert says in item["detail"]
    name = "zhiyin_observations_kept_apart_total"
    labels = {"source": "http", "reason": reason}
    assert figure(metrics(brain), name, **labels) == figure(page, name, **labels) + 1


@pytest.mark.parametrize("said", [10**17, -(10**17), 2**63 - 1, -(2**63), "soon", "", "9999-99-99"])
def test_times_beyond_reason_are_kept_apart(brain: RunningBrain, said: Any) -> None:
    thing = new_device(brain)
    body = {"thing": thing, "property": "depth", "time": said, "value": 0.1}
    answer = brain.post("/observations", body)
    assert (answer.status_code, answer.json()["quarantined"]) == (202, 1)
    (item,) = kept(brain, thing)
    assert item["reason"] in {"clock_off", "malformed"}
    assert item["raw"] == body


def test_a_bad_item_leaves_its_neighbours_alone(brain: RunningBrain) -> None:
    thing, t = new_device(brain), now() - HOUR
    body = [reading(thing, t, 0.1), {"thing": thing, "property": 7}, "noise", None,
            reading(thing, t + 1, 0.2)]  # fmt: skip
    answer = brain.post("/observations", body)
    assert answer.json() == {"accepted": 2, "quarantined": 3, "reasons": {"malformed": 3}}
    assert len(stored(brain, thing, 2)) == 2
    (item,) = kept(brain, thing)
    assert item["raw"] == {"thing": thing, "property": 7}
    assert "property" in item["detail"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff\xfe", b'{"thing": "a"} {"thing": "b"}', b"[" * 5_000, b'"\\ud800"'],
)
def test_a_body_that_is_no_json_is_told_so_and_kept(brain: RunningBrain, body: Any) -> None:
    before = brain.get("/quarantine", reason="malformed")["total"]
    answer = send(brain, body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "network-011"
    assert problem["title"].startswith("请求体不是 JSON")
    until(lambda: brain.get("/quarantine", reason="malformed")["total"] == before + 1)


@pytest.mark.parametrize(
    "body", [b"7", b'"text"', b"null", b"{}", b'{"thing": []}', b'{"thing": ["a"], "property": []}']
)
def test_json_of_no_known_form_is_kept_apart(brain: RunningBrain, body: Any) -> None:
    answer = send(brain, body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    assert answer.json()["quarantined"] == 1


def test_lists_of_unequal_length_are_kept_whole(brain: RunningBrain) -> None:
    body = {"thing": ["a", "b"], "property": ["depth"], "value": [1, 2]}
    answer = brain.post("/observations", body)
    assert answer.json() == {"accepted": 0, "quarantined": 1, "reasons": {"malformed": 1}}


def test_an_empty_list_is_taken(brain: RunningBrain) -> None:
    assert brain.post("/observations", []).json()["accepted"] == 0


def test_an_oversize_body_is_refused_before_it_is_read(brain: RunningBrain) -> None:
    answer = send(brain, b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "network-010"
    assert "1048576" in answer.json()["title_en"]


def test_another_value_at_the_same_time_is_a_contradiction(brain: RunningBrain) -> None:
    thing, t = new_device(brain), now() - HOUR
    brain.post("/observations", reading(thing, t, 0.1))
    brain.post("/observations", reading(thing, t, 0.1))  # the same again is no contradiction
    brain.post("/observations", reading(thing, t, 0.2))
    (item,) = kept(brain, thing, reason="contradiction")
    assert item["raw"]["value"] == 0.2
    assert [row["value"] for row in stored(brain, thing, 1)] == [0.1]


def test_an_unknown_device_waits_and_is_replayed_once_it_is_registered(brain: RunningBrain) -> None:
    thing, t = f"later-{new_id()[-12:]}", now() - HOUR
    body = [reading(thing, t + n, 0.1 + n / 10) for n in range(3)]
    assert brain.post("/observations", body).json()["reasons"] == {"unknown_device": 3}
    assert len(kept(brain, thing, 3, reason="unknown_device")) == 3
    chosen = {"thing": thing, "reason": "unknown_device"}
    early = brain.post("/quarantine/replay", chosen).json()
    assert early == {"replayed": 0, "still_kept": 3}
    brain.post("/devices", [{"id": thing, "type": "ponding_point"}])
    assert brain.post("/quarantine/replay", chosen).json() == {"replayed": 3, "still_kept": 0}
    assert [row["value"] for row in stored(brain, thing, 3)] == [0.1, 0.2, 0.30000000000000004]
    assert brain.get("/quarantine", thing=thing)["total"] == 0
    assert brain.get("/quarantine", thing=thing, state="replayed")["total"] == 3
    assert brain.post("/quarantine/replay", chosen).json() == {"replayed": 0, "still_kept": 0}


@pytest.mark.parametrize(
    "body",
    [{"thing": 7, "property": "depth", "value": 1}, {"thing": [], "property": {}, "value": 1}],
)
def test_what_can_never_be_replayed_stays_kept(brain: RunningBrain, body: Any) -> None:
    brain.post("/observations", [body])
    thing = str(body["thing"])
    (item, *_) = kept(brain, thing)
    answer = brain.post("/quarantine/replay", {"ids": [item["id"]]})
    assert (answer.status_code, answer.json()) == (200, {"replayed": 0, "still_kept": 1})


def test_the_quarantine_is_filtered_and_paged(brain: RunningBrain) -> None:
    thing = new_device(brain)
    brain.post("/observations", [reading(thing, now(), 9 + n) for n in range(3)])
    kept(brain, thing, 3)
    page = brain.get("/quarantine", thing=thing, limit=2, offset=2)
    assert (len(page["items"]), page["total"]) == (1, 3)
    assert brain.get("/quarantine", thing=thing, reason="malformed")["total"] == 0
    assert page["counts"]["out_of_range"] >= 3


def test_a_repeated_idempotency_key_counts_once(brain: RunningBrain) -> None:
    thing, key = new_device(brain), {"Idempotency-Key": new_id()}
    body = [{"thing": thing, "property": "depth", "value": 0.2}, reading(thing, now(), 99)]
    first, second = (brain.post("/observations", body, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 202
    brain.post("/observations", {"thing": thing, "property": "depth", "value": 0.3})
    assert [row["value"] for row in stored(brain, thing, 2)] == [0.2, 0.3]
    assert len(kept(brain, thing)) == 1


def test_history_says_so_and_goes_in(brain: RunningBrain) -> None:
    thing, t = new_device(brain), now() - 400 * DAY
    answer = brain.post("/observations?mode=history", reading(thing, t, 0.1))
    assert answer.json()["accepted"] == 1
    (row,) = stored(brain, thing, 1, **{"from": iso(t - 1), "to": iso(t + 1)})
    assert row["quality"] == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/observations", 405),
        ("DELETE", "/api/v1/warnings", 405),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/quarantine?reason=odd", 400),
        ("GET", "/api/v1/quarantine?limit=0", 400),
        ("POST", "/api/v1/quarantine/replay", 400),
        ("POST", "/api/v1/devices", 400),
    ],
)
def test_refusals_are_problem_documents(
    brain: RunningBrain, method: Any, path: Any, status: Any
) -> None:
    answer = httpx.request(method, f"{brain.url}{path}", trust_env=False)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["code"]
    assert ("allow" in answer.headers) == (status == 405)


def test_a_device_of_no_known_type_is_refused_and_nothing_of_it_stays(brain: RunningBrain) -> None:
    good, bad = f"good-{new_id()[-12:]}", f"bad-{new_id()[-12:]}"
    body = [{"id": good, "type": "lake"}, {"id": bad, "type": "quay"}]
    answer = brain.post("/devices", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "network-013")
    assert brain.get("/devices", q=good) == []


def test_the_register_lists_the_series_of_a_device(brain: RunningBrain) -> None:
    thing = new_device(brain, "pump_station")
    names = {row["property"] for row in brain.get("/series", thing=thing)}
    assert names == {"pumps_running", "flow", "inlet_level", "power"}
    assert brain.get("/series", thing=thing, property="flow")[0]["unit"] == "m³/s"
    again = brain.post("/devices", [{"id": thing, "type": "pump_station"}]).json()
    assert again == {"added": 0, "known": 1}
