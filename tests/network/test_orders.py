"""Commands to devices: asked over HTTP, carried over the device's own connection, answered."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.brains import RunningBrain, until
from tests.network.test_gateways import HJ212, Wire, connected, frame, new_site, now


@pytest.fixture(scope="module")
def commanding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBrain]:
    """A brain on which an administrator has switched commands on."""
    more = {"gateways": {"orders": True, "order_within": "20s"}}
    running = RunningBrain(tmp_path_factory.mktemp("commanding"), more)
    try:
        yield running.start()
    finally:
        running.stop()


def ask(brain: RunningBrain, thing: str, verb: str, **parameters: Any) -> dict[str, Any]:
    device = f"dust-{thing.removeprefix('site-')}"
    body = {"verb": verb, "parameters": parameters}
    answer = brain.post(f"/devices/{device}/orders", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def state_of(brain: RunningBrain, order: dict[str, Any]) -> dict[str, Any]:
    rows = brain.get(f"/devices/{order['device']}/orders")
    return next(row for row in rows if row["id"] == order["id"])


def in_state(brain: RunningBrain, order: dict[str, Any], state: str) -> dict[str, Any]:
    def there() -> Any:
        row = state_of(brain, order)
        return row if row["state"] == state else None

    found: dict[str, Any] = until(there, 30, f"the order is {state}")
    return found


def greet(line: Wire, mn: str) -> None:
    line.say(frame(mn, now()))
    assert b"CN=9014" in line.hear()


def reply(request: bytes, cn: str, content: dict[str, str]) -> bytes:
    head = HJ212.decode(request.rstrip(b"\r\n")).header
    header = {name: head[name] for name in ("QN", "PW", "MN")}
    fields = [{"name": name, "value": value} for name, value in content.items()]
    return HJ212.encode({"header": {**header, "ST": "91", "CN": cn, "Flag": "4"}, "fields": fields})


def test_a_device_sets_its_clock_when_it_is_told_to(commanding: RunningBrain) -> None:
    thing, mn = new_site(commanding)
    with connected(commanding, "hj212") as line:
        greet(line, mn)
        order = ask(commanding, thing, "set_time", SystemTime="20261123120000")
        request = line.hear()
        assert b"CN=1012" in request
        assert b"SystemTime=20261123120000" in request
        assert in_state(commanding, order, "sent")["by"] == "user:duty"
        line.say(reply(request, "9011", {"QnRtn": "1"}))
        in_state(commanding, order, "running")
        line.say(reply(request, "9012", {"ExeRtn": "1"}))
        done = in_state(commanding, order, "done")
    assert done["answered_at"]


def test_a_device_may_refuse(commanding: RunningBrain) -> None:
    thing, mn = new_site(commanding)
    with connected(commanding, "hj212") as line:
        greet(line, mn)
        order = ask(commanding, thing, "set_time", SystemTime="20261123120000")
        line.say(reply(line.hear(), "9011", {"QnRtn": "2"}))
        failed = in_state(commanding, order, "failed")
    assert failed["detail"]


def test_an_order_to_nobody_ends_when_its_time_is_over(commanding: RunningBrain) -> None:
    thing, _ = new_site(commanding)
    device = f"dust-{thing.removeprefix('site-')}"
    body = {"verb": "set_time", "parameters": {"SystemTime": "20261123120000"}, "within": "1s"}
    order = commanding.post(f"/devices/{device}/orders", body).json()
    ended = in_state(commanding, order, "timed_out")
    assert ended["detail"] == "the device was not connected"
    assert ended["sent_at"] is None


@pytest.mark.parametrize(
    ("verb", "parameters", "code"),
    [
        ("open_everything", {}, "network-032"),
        ("set_time", {"Time": "20261123120000"}, "network-033"),
    ],
)
def test_an_order_that_the_protocol_does_not_have_is_refused_at_once(
    commanding: RunningBrain, verb: str, parameters: dict[str, Any], code: str
) -> None:
    thing, _ = new_site(commanding)
    device = f"dust-{thing.removeprefix('site-')}"
    answer = commanding.post(f"/devices/{device}/orders", {"verb": verb, "parameters": parameters})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_an_order_the_protocol_cannot_write_fails_with_the_reason(
    commanding: RunningBrain,
) -> None:
    thing, mn = new_site(commanding)
    with connected(commanding, "hj212") as line:
        greet(line, mn)
        order = ask(commanding, thing, "set_time", SystemTime="tomorrow")
        failed = in_state(commanding, order, "failed")
    assert failed["detail"]
