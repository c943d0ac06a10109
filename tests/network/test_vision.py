"""Vision events by GA/T 1400 against a running brain: register, tell, kept with the picture."""

import base64
from typing import Any

import httpx

from tests.brains import RunningBrain
from tests.rooms import kept
from zhiyin.kernel import new_id

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 400 + b"\xff\xd9"


def new_camera(brain: RunningBrain) -> str:
    code = f"42010500001320{int(new_id()[-8:], 36) % 1_000_000:06d}"
    device = {
        "id": f"cam-{code[-6:]}", "template": "vision_camera", "thing": f"camera-{code[-6:]}",
        "address": code, "key": "secret-1", "settings": {"place": [114.25, 30.55]},
    }  # fmt: skip
    brain.post("/devices", [device]).raise_for_status()
    return code


def scene(code: str) -> dict[str, Any]:
    picture = {
        "ImageID": code + "0220261123080000000010000001", "DeviceID": code, "Type": "14",
        "FileFormat": "Jpeg", "ShotTime": "20261123080000",
        "Data": base64.b64encode(JPEG).decode(),
    }  # fmt: skip
    return {
        "SceneListObject": {"SceneObject": [{
            "SceneID": code + "0120261123080000000010000001", "InfoKind": 1, "DeviceID": code,
            "BeginTime": "20261123080000", "SubImageList": {"SubImageInfoObject": [picture]},
        }]}
    }  # fmt: skip


def test_a_scene_is_a_candidate_report_with_place_and_picture(brain: RunningBrain) -> None:
    code = new_camera(brain)
    who = {"User-Identify": code, "Content-Type": "application/VIID+JSON"}
    with httpx.Client(base_url=brain.url, headers=who, trust_env=False) as camera:
        told = {"RegisterObject": {"DeviceID": code}}
        assert camera.post("/VIID/System/Register", json=told).status_code == 401
        digest = httpx.DigestAuth(code, "secret-1")
        answer = camera.post("/VIID/System/Register", json=told, auth=digest)
        assert answer.status_code == 200
        for _ in range(2):  # told twice, it is one
            answer = camera.post("/VIID/Scenes", json=scene(code))
            (status,) = answer.json()["ResponseStatusListObject"]["ResponseStatusObject"]
            assert status["StatusCode"] == "0"
    (one,) = brain.get("/happenings", device=f"cam-{code[-6:]}")
    assert (one["kind"], one["gateway"], one["place"]) == ("scene", "gat1400", [114.25, 30.55])
    assert one["time"] == "2026-11-23T00:00:00.000Z"
    picture = httpx.get(brain.url + one["picture"], trust_env=False)
    assert (picture.headers["content-type"], picture.content) == ("image/jpeg", JPEG)


def test_faces_are_refused_and_no_picture_of_them_is_kept(brain: RunningBrain) -> None:
    code = new_camera(brain)
    digest = httpx.DigestAuth(code, "secret-1")
    who = {"User-Identify": code, "Content-Type": "application/VIID+JSON"}
    picture = {"Type": "11", "Data": base64.b64encode(JPEG).decode()}
    face = {"FaceListObject": {"FaceObject": [{
        "FaceID": code + "06", "DeviceID": code,
        "SubImageList": {"SubImageInfoObject": [picture]},
    }]}}  # fmt: skip
    with httpx.Client(base_url=brain.url, headers=who, trust_env=False) as camera:
        camera.post(
            "/VIID/System/Register", json={"RegisterObject": {"DeviceID": code}}, auth=digest
        )
        answer = camera.post("/VIID/Faces", json=face)
    (status,) = answer.json()["ResponseStatusListObject"]["ResponseStatusObject"]
    assert status["StatusCode"] == "4"
    (item,) = kept(brain, f"camera-{code[-6:]}")
    assert base64.b64encode(JPEG).decode()[:40] not in str(item)
    assert brain.get("/happenings", device=f"cam-{code[-6:]}") == []


def test_another_key_does_not_register(brain: RunningBrain) -> None:
    code = new_camera(brain)
    answer = httpx.post(
        f"{brain.url}/VIID/System/Register", json={"RegisterObject": {"DeviceID": code}},
        headers={"User-Identify": code}, auth=httpx.DigestAuth(code, "secret-2"), trust_env=False,
    )  # fmt: skip
    assert answer.status_code == 401
