"""A camera platform as others build it (httpx with digest) against the mounted routes."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import httpx
import pytest
import uvicorn
from litestar import Litestar

from zhiyin.kernel import ManualClock, Words, WorldFault
from zhiyin.network.frame import Facts, FrameFault, Happening
from zhiyin.network.gat1400.http import vision_router
from zhiyin.network.gat1400.limits import Limits

PLATFORM, CAMERA, OTHER = "42010500002000000009", "42010500001320000001", "42010500001320000002"
NOW = 1_782_864_930_000  # 2026-07-01 08:15:30 in the district
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
LIST = "ResponseStatusListObject"


class Busy(WorldFault):
    code = "test-001"
    what = do = Words("忙", "busy")


class House:
    """The receiver in a server's application, and what it reported."""

    def __init__(self, **limits: Any) -> None:
        self.clock = ManualClock(NOW)
        self.devices = {
            PLATFORM: Facts("secret"),
            OTHER: Facts("other"),
            "42010500001320000003": Facts("", {"open": True}),
            "cloud-1": Facts("bearer-key", {"events": {"garbage": "0201"}, "place": [114.2, 30.5]}),
        }
        self.seen: list[tuple[str, Happening]] = []
        self.refused: list[tuple[str, FrameFault, bytes]] = []
        self.busy = False
        router = vision_router(
            Limits(**limits), self.clock, self.devices.get, self.report, self.refuse
        )
        self.app = Litestar([router], openapi_config=None)

    async def report(self, address: str, happenings: Sequence[Happening]) -> None:
        if self.busy:
            raise Busy
        self.seen += [(address, one) for one in happenings]

    async def refuse(self, address: str, fault: FrameFault, raw: bytes) -> None:
        self.refused.append((address, fault, raw))

    def client(self, host: str = "10.0.0.1", device: str = PLATFORM) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(cast("Any", self.app), client=(host, 5000))
        headers = {"User-Identify": device, "Content-Type": "application/VIID+JSON;charset=UTF-8"}
        return httpx.AsyncClient(transport=transport, base_url="http://house", headers=headers)


async def register(
    client: httpx.AsyncClient, device: str = PLATFORM, password: str = "secret"
) -> httpx.Response:
    return await client.post(
        "/VIID/System/Register", json={"RegisterObject": {"DeviceID": device}},
        auth=httpx.DigestAuth(device, password),
    )  # fmt: skip


@pytest.fixture
async def platform() -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    house = House()
    async with house.client() as client:
        assert (await register(client)).status_code == 200
        yield house, client


def statuses(answer: httpx.Response) -> list[dict[str, str]]:
    found: list[dict[str, str]] = answer.json()[LIST]["ResponseStatusObject"]
    return found


def scene(**more: Any) -> dict[str, Any]:
    image = {
        "ImageID": "i1", "Type": "14", "ShotTime": "20260701081530", "FileFormat": "Jpeg",
        "StoragePath": "/files/i1.jpg", "Data": base64.b64encode(JPEG).decode(),
    }  # fmt: skip
    return {
        "SceneID": "s1", "InfoKind": 1, "DeviceID": CAMERA, "BeginTime": "20260701081500",
        "SceneType": "waste", "SubImageList": {"SubImageInfoObject": [image]}, **more,
    }  # fmt: skip


def scenes(*found: Any) -> dict[str, Any]:
    return {"SceneListObject": {"SceneObject": list(found)}}


async def test_register_with_a_digest_keep_alive_and_leave() -> None:
    house = House()
    async with house.client() as client:
        first = await client.post(
            "/VIID/System/Register", json={"RegisterObject": {"DeviceID": PLATFORM}}
        )
        assert first.status_code == 401
        challenge = first.headers["www-authenticate"]
        assert challenge.startswith("Digest ")
        assert 'qop="auth"' in challenge
        answer = await register(client)
        assert answer.headers["content-type"].startswith("application/VIID+JSON")
        assert statuses(answer) == [
            {
                "Id": PLATFORM, "RequestURL": "/VIID/System/Register", "StatusCode": "0",
                "StatusString": "OK", "LocalTime": "20260701081530",
            }
        ]  # fmt: skip
        alive = {"KeepaliveObject": {"DeviceID": PLATFORM}}
        assert (await client.post("/VIID/System/Keepalive", json=alive)).status_code == 200
        gone = {"UnRegisterObject": {"DeviceID": PLATFORM}}
        assert (await client.post("/VIID/System/UnRegister", json=gone)).status_code == 200
        assert (await client.post("/VIID/System/Keepalive", json=alive)).status_code == 401


async def test_who_is_not_let_in() -> None:
    house = House()
    async with house.client() as client:
        assert (await register(client, password="guess")).status_code == 401
        assert (await register(client, "42010500001320000099")).status_code == 401
        assert (await register(client, OTHER, "secret")).status_code == 401  # another's key
        assert (await register(client)).status_code == 200
        assert (await register(client, "42010500001320000003", "any")).status_code == 200  # open
    async with house.client("10.9.9.9") as stranger:  # from elsewhere, with its name only
        assert (await stranger.post("/VIID/Scenes", json=scenes(scene()))).status_code == 401
        for _ in range(25):
            answer = await register(stranger, password="guess")
        assert answer.status_code == 429
    assert house.seen == []


async def test_a_strangers_large_body_is_not_read() -> None:
    house = House()
    async with house.client() as client:
        answer = await client.post("/VIID/Scenes", content=b"[" * 15_000_000)
        assert answer.status_code == 401
        answer = await client.post("/VIID/System/Register", content=b" " * 100_000)
        assert answer.status_code == 413


async def test_nonces_end_and_are_used_once() -> None:
    house = House()
    async with house.client() as client:
        auth = httpx.DigestAuth(PLATFORM, "secret")
        body = {"RegisterObject": {"DeviceID": PLATFORM}}
        answer = await client.post("/VIID/System/Register", json=body, auth=auth)
        sent = answer.request.headers["authorization"]
        again = await client.post(
            "/VIID/System/Register", json=body, headers={"Authorization": sent}
        )
        assert again.status_code == 401
        house.clock.advance(6 * 60_000)
        late = await client.post(
            "/VIID/System/Register", json=body, headers={"Authorization": sent}
        )
        assert "stale=true" in late.headers["www-authenticate"]
        assert (await client.post("/VIID/System/Register", json=body, auth=auth)).status_code == 200
        house.clock.advance(11 * 60_000)  # silent too long
        assert (await client.post("/VIID/Scenes", json=scenes(scene()))).status_code == 401


async def test_a_scene_becomes_a_happening_where_its_camera_stands(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    camera = {
        "ApeID": CAMERA, "Name": "汉阳大道口", "Longitude": "114.218", "Latitude": 30.553,
        "UserId": "admin", "Password": "hidden",
    }  # fmt: skip
    answer = await client.post("/VIID/APEs", json={"APEListObject": {"APEObject": camera}})
    assert [one["StatusCode"] for one in statuses(answer)] == ["0"]
    told = (await client.get("/VIID/APEs")).json()["APEListObject"]["APEObject"]
    assert told[0]["Name"] == "汉阳大道口"
    assert "Password" not in told[0]
    bad = scene(SceneID="s2")
    bad["SubImageList"]["SubImageInfoObject"][0]["Data"] = "!!!"
    answer = await client.post("/VIID/Scenes", json=scenes(scene(), bad))
    assert [(one["Id"], one["StatusCode"]) for one in statuses(answer)] == [
        ("s1", "0"),
        ("s2", "6"),
    ]
    ((address, seen),) = house.seen
    assert (address, seen.kind, seen.part) == (PLATFORM, "scene", CAMERA)
    assert seen.place == (114.218, 30.553)
    assert seen.time == NOW - 30_000
    assert (seen.picture, seen.picture_type) == (JPEG, "image/jpeg")
    assert seen.data["SceneType"] == "waste"
    assert seen.data["images"][0]["StoragePath"] == "/files/i1.jpg"
    assert "Data" not in seen.data["images"][0]
    ((_, fault, raw),) = house.refused
    assert "base64" in fault.detail
    assert json.loads(raw)["SceneID"] == "s2"


async def test_lenient_in_numbers_as_text_and_bare_objects(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    vehicle = {
        "MotorVehicleID": "m1", "DeviceID": CAMERA, "PassTime": "20260701081500", "Speed": "31.5",
        "HasPlate": "1", "PlateNo": "鄂A12345", "Longitude": "114.2", "Latitude": "30.5",
        "SubImageList": {"SubImageInfoObject": {"Type": 1, "StoragePath": "http://x/1.jpg"}},
    }  # fmt: skip
    body = {"MotorVehicleListObject": {"MotorVehicleObject": vehicle}}
    assert statuses(await client.post("/VIID/MotorVehicles", json=body))[0]["StatusCode"] == "0"
    assert house.seen[0][1].place == (114.2, 30.5)
    assert house.seen[0][1].data["PlateNo"] == "鄂A12345"
    odd = scene(BeginTime="yesterday", SubImageList=None)
    await client.post("/VIID/Scenes", json=scenes(odd))
    assert house.seen[1][1].time == NOW
    assert house.seen[1][1].data["time_assumed"] is True
    told = (await client.get("/VIID/System/Time")).json()["SystemTimeObject"]
    assert told["LocalTime"] == "20260701081530"


FACE = {
    "FaceID": "f1", "DeviceID": CAMERA, "ShotTime": "20260701081530", "Name": "张三",
    "IDNumber": "420105199001010000", "FeatureInfo": "AAAA",
    "SubImageList": {"SubImageInfoObject": [
        {"Type": "11", "StoragePath": "/face.jpg", "Data": base64.b64encode(JPEG).decode()},
    ]},
}  # fmt: skip
FACES = {"FaceListObject": {"FaceObject": [FACE, FACE]}}


async def test_faces_are_refused_and_nothing_of_them_stays(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    answer = await client.post("/VIID/Faces", json=FACES)
    assert [one["StatusCode"] for one in statuses(answer)] == ["4", "4"]
    assert house.seen == []
    assert {raw for _, _, raw in house.refused} == {b'{"FaceID":"f1"}'}


async def test_where_people_are_allowed_their_pictures_still_are_not() -> None:
    house = House(people=True)
    async with house.client() as client:
        await register(client)
        assert statuses(await client.post("/VIID/Faces", json=FACES))[0]["StatusCode"] == "0"
    seen = house.seen[0][1]
    assert seen.picture == b""
    assert seen.data == {"FaceID": "f1", "DeviceID": CAMERA, "ShotTime": "20260701081530"}


async def test_the_drivers_face_in_a_vehicle_is_dropped(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    vehicle = {
        "MotorVehicleID": "m1", "PassTime": "20260701081500", "FaceList": FACES["FaceListObject"],
        "SubImageList": FACE["SubImageList"], "VehicleFeature": "BBBB",
    }  # fmt: skip
    body = {"MotorVehicleListObject": {"MotorVehicleObject": [vehicle]}}
    await client.post("/VIID/MotorVehicles", json=body)
    seen = house.seen[0][1]
    assert seen.picture == b""
    assert seen.data == {"MotorVehicleID": "m1", "PassTime": "20260701081500"}


async def test_notifications_carry_objects_of_any_kind(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    note = {
        "NotificationID": "n1", "SubscribeID": "x", "ExecuteOperation": 1,
        "SceneObjectList": {"SceneObject": [scene()]},
        "DeviceList": {"APEObject": [{"ApeID": OTHER, "Longitude": 114, "Latitude": 30}]},
    }  # fmt: skip
    faces = {"NotificationID": "n2", "FaceObjectList": {"FaceObject": FACE}}
    body = {
        "SubscribeNotificationListObject": {
            "SubscribeNotificationObject": [note, faces, note | {"ExecuteOperation": "3"}]
        }
    }
    answer = await client.post("/VIID/SubscribeNotifications", json=body)
    assert [(one["Id"], one["StatusCode"]) for one in statuses(answer)] == [
        ("n1", "0"), ("n2", "4"), ("n1", "0"),
    ]  # fmt: skip
    assert [seen.kind for _, seen in house.seen] == ["scene"]


async def test_a_house_that_cannot_keep_says_busy(
    platform: tuple[House, httpx.AsyncClient],
) -> None:
    house, client = platform
    house.busy = True
    answer = await client.post("/VIID/Scenes", json=scenes(scene()))
    assert statuses(answer)[0]["StatusCode"] == "2"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"SceneListObject":5}', 400),
        (b'{"SceneListObject":{"SceneObject":[1]}}', 400), (b"\xff\xfe", 400),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, 400), (b"[" * 100_000, 400),
        (json.dumps(scenes(*[{}] * 101)).encode(), 413),
        (b" " * (17 * 1024 * 1024), 413),
    ],
)  # fmt: skip
async def test_bodies_that_are_refused(
    platform: tuple[House, httpx.AsyncClient], body: bytes, code: int
) -> None:
    house, client = platform
    answer = await client.post("/VIID/Scenes", content=body)
    assert answer.status_code == code
    assert house.seen == []
    assert (await client.post("/VIID/Scenes", json=scenes(scene()))).status_code == 200


@pytest.mark.parametrize("value", [None, [], {}, "", 1e300, "nan", -1, True, "9" * 5000, [[{}]]])
async def test_odd_values_anywhere(platform: tuple[House, httpx.AsyncClient], value: Any) -> None:
    house, client = platform
    for name in [*scene(), "Longitude", "Latitude", "TollgateID"]:
        answer = await client.post("/VIID/Scenes", json=scenes(scene(**{name: value})))
        assert answer.status_code == 200
        assert statuses(answer)[0]["StatusCode"] in {"0", "6"}
    assert all(len(json.dumps(seen.data)) < 100_000 for _, seen in house.seen)


EVENT = {
    "eventId": "e1", "eventType": "garbage", "deviceId": "cloud-1", "channel": 3,
    "time": "2026-07-01T08:15:00+08:00", "score": 0.93, "box": [1, 2, 30, 40],
    "imageUrl": "https://camera/1.jpg", "imageBase64": base64.b64encode(JPEG).decode(),
    "extra": {"model": "v2", "deep": {"x": 1}},
}  # fmt: skip


async def test_city_events_with_a_bearer_key() -> None:
    house = House()
    async with house.client() as client:
        right = {"Authorization": "Bearer bearer-key"}
        answer = await client.post("/vision/events", json=EVENT, headers=right)
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "refused": []})
        ((address, seen),) = house.seen
        assert (address, seen.kind, seen.part, seen.place) == (
            "cloud-1",
            "vision",
            "3",
            (114.2, 30.5),
        )
        assert seen.time == NOW - 30_000
        assert seen.data["matter"] == "0201"
        assert seen.data["box"] == [1, 2, 30, 40]
        assert seen.data["extra"] == {"model": "v2"}
        assert seen.picture == JPEG
        both = [EVENT, {"deviceId": "cloud-1"}]
        answer = await client.post("/vision/events", json=both, headers=right)
        assert answer.json()["accepted"] == 1
        assert "eventType" in answer.json()["refused"][0]["why"]
        for key in ("Bearer other", "Bearer", "", "Basic bearer-key"):
            answer = await client.post("/vision/events", json=EVENT, headers={"Authorization": key})
            assert answer.status_code == 401
        answer = await client.post("/vision/events", content=b"{", headers=right)
        assert answer.status_code == 400
    assert len(house.seen) == 2


async def test_on_a_real_server() -> None:
    house = House()
    server = uvicorn.Server(
        uvicorn.Config(house.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    )
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0)  # it says so by no event
        port = server.servers[0].sockets[0].getsockname()[1]
        base, device = f"http://127.0.0.1:{port}", {"User-Identify": PLATFORM}
        async with httpx.AsyncClient(base_url=base, headers=device) as client:
            assert (await register(client)).status_code == 200
            answer = await client.post("/VIID/Scenes", json=scenes(scene()))
            assert statuses(answer)[0]["StatusCode"] == "0"
    finally:
        server.should_exit = True
        await task
    assert len(house.seen) == 1
