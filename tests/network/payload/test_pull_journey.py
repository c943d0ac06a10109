"""A pull in a whole brain: declared in a pack, run by the gateway, which is killed on the way."""

import time

from tests.brains import RunningBrain, until
from tests.rooms import new_device, stored
from zhiyin.kernel import HOUR, iso


def pull(brain: RunningBrain, key: str = "gauges") -> dict[str, object]:
    return next(dict(one) for one in brain.get("/pulls") if one["key"] == key)


def test_a_file_goes_in_though_the_gateway_dies(fed: RunningBrain) -> None:
    thing, t = new_device(fed), time.time_ns() // 10**9 * 1000 - HOUR
    inbox = fed.folder.parent / "inbox"
    lines = [f"{thing},{iso(t + n * 1000)[:19]}+0000,{n}" for n in range(2_000)]
    unfinished = inbox / "one.csv.part"
    unfinished.write_text("\n".join(["gauge,at,mm", *lines, ""]), "utf-8")
    old = fed.kill("gateway")
    unfinished.rename(inbox / "one.csv")
    fed.wait_back("gateway", old)
    until(lambda: pull(fed)["state"] == "running" or pull(fed)["good_at"], 60, "it has begun")
    fed.wait_back("gateway", fed.kill("gateway"))
    # A runner that was killed holds its pull for another 20 s.
    until(lambda: pull(fed)["good_at"], 90, "it has come to its end")
    rows = stored(fed, thing, 2_000, limit=5_000)
    assert len(rows) == 2_000
    assert rows[1]["value"] == 0.001  # millimetres, in the property's metres


def test_what_is_not_set_up_says_so(fed: RunningBrain) -> None:
    assert pull(fed, "nowhere")["state"] == "no_address"
    refused = fed.post("/pulls/nowhere/run")
    assert (refused.status_code, refused.json()["code"]) == (400, "network-042")
    assert fed.post("/pulls/other/run").json()["code"] == "network-045"
    assert fed.post("/pulls/gauges/run").status_code == 202
