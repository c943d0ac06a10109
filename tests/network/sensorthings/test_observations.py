"""Observations: where they go, and that every question sees each of them once."""

import asyncio
import random
from typing import Any

import pytest

from tests.network.sensorthings.client import datastream, thing
from tests.network.sensorthings.house import NOW, House
from zhiyin.kernel import DAY, HOUR, MINUTE, iso


async def stream_of(house: House, kind: str = "OM_Measurement", **more: Any) -> int:
    number = await house.make("Things", thing("t", datastream("d", kind, **more)))
    return int((await house.values(f"Things({number})/Datastreams"))[0]["@iot.id"])


def at(stream: int, time: int | None, result: Any, **more: Any) -> dict[str, Any]:
    said = {} if time is None else {"phenomenonTime": iso(time)}
    return {"Datastream": {"@iot.id": stream}, "result": result, **said, **more}


async def results(house: House, stream: int, **query: Any) -> list[Any]:
    return [
        one["result"] for one in await house.values(f"Datastreams({stream})/Observations", **query)
    ]


async def test_what_is_written_is_read_at_once_and_from_the_lake_later(house: House) -> None:
    stream = await stream_of(house)
    ids = [
        await house.make("Observations", at(stream, NOW - n * MINUTE, n + 0.5)) for n in range(5)
    ]
    found = await house.values("Observations", filter=f"id eq {ids[3]} and result gt 0")
    assert [one["result"] for one in found] == [3.5]
    for commit in (0, 2, None):
        await house.commit(commit)
        assert await results(house, stream) == [4.5, 3.5, 2.5, 1.5, 0.5]
        assert await results(house, stream, orderby="phenomenonTime desc", top=2) == [0.5, 1.5]
        told = await house.get(f"Observations({ids[1]!r})")
        assert (told["result"], told["resultTime"]) == (1.5, None)
        told = await house.get("Observations", filter=f"Datastream/id eq {stream}", count="true")
        assert told["@iot.count"] == 5
    assert len(house.sensing.observing.tail.rows([stream])) == 0
    await house.reborn()
    assert await results(house, stream, filter="result lt 3") == [2.5, 1.5, 0.5]


async def test_a_process_that_starts_anew_finds_what_the_lake_has_not_yet(house: House) -> None:
    stream = await stream_of(house)
    for n in range(4):
        await house.make("Observations", at(stream, NOW + n, float(n)))
    await house.commit(2)
    await house.reborn()
    assert await results(house, stream) == [0, 1, 2, 3]
    await house.commit()
    assert await results(house, stream) == [0, 1, 2, 3]


async def test_many_at_once_are_all_there_once(house: House) -> None:
    stream = await stream_of(house)
    told = await asyncio.gather(
        *(house.make("Observations", at(stream, NOW - n % 20, float(n % 20))) for n in range(40))
    )
    assert len(set(told)) == 20  # the same one sent again is the same one
    assert sorted(await results(house, stream)) == [float(n) for n in range(20)]
    await house.commit()
    assert sorted(await results(house, stream)) == [float(n) for n in range(20)]


async def test_another_result_for_the_same_time_stands_beside_it(house: House) -> None:
    stream = await stream_of(house)
    first = await house.make("Observations", at(stream, NOW, 1))
    for _ in range(2):
        second = await house.make("Observations", at(stream, NOW, 2))
    assert (first, second) == (stream << 42 | NOW, f"{stream}-{NOW}-1")
    await house.commit()
    assert await results(house, stream) == [1, 2]
    third = await house.make("Observations", at(stream, NOW, 3))
    assert third == f"{stream}-{NOW}-2"
    assert (await house.get(f"Observations({third!r})"))["result"] == 3


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("OM_Measurement", [1.5, -3, 0, 1e300, None], ["x", True, {}, [1]]),
        ("OM_CountObservation", [3, 0, 2**60 + 1], [1.5, "3"]),
        ("OM_TruthObservation", [True, False], [1, "true"]),
        ("OM_CategoryObservation", ["http://x.org/a", "晴"], []),
        ("OM_ComplexObservation", [{"a": [1, 2]}, [1, "b"]], []),
        ("OM_Observation", ["text", 5, True, 2.5, {"x": None}], []),
    ],
)  # fmt: skip
async def test_results_come_back_as_what_they_are(
    house: House, kind: str, good: list[Any], bad: list[Any]
) -> None:
    stream = await stream_of(house, kind)
    for n, result in enumerate(good):
        await house.make("Observations", at(stream, NOW + n, result))
    for result in bad:
        await house.call("POST", "Observations", at(stream, NOW + 99, result), 400)
    for _ in range(2):
        told = await results(house, stream)
        assert told == good
        assert [type(one) is bool for one in told] == [type(one) is bool for one in good]
        await house.commit()


async def test_what_more_is_said_of_an_observation_is_kept(house: House) -> None:
    stream = await stream_of(house)
    feature = {
        "name": "lake", "description": "a lake", "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [114.2, 30.5]},
    }  # fmt: skip
    rich = at(
        stream, NOW, 7.5, resultTime=iso(NOW + 5), resultQuality={"flag": 1},
        validTime=f"{iso(NOW)}/{iso(NOW + HOUR)}", parameters={"by": "hand"},
        FeatureOfInterest=feature,
    )  # fmt: skip
    id_ = await house.make("Observations", rich)
    await house.make("Observations", at(stream, NOW + 1, 8.5))
    await house.commit()
    told = await house.get(f"Observations({id_!r})", expand="FeatureOfInterest,Datastream")
    for name in ("resultTime", "resultQuality", "validTime", "parameters", "result"):
        assert told[name] == rich[name]
    assert told["FeatureOfInterest"]["name"] == "lake"
    mine = f"FeaturesOfInterest({told['FeatureOfInterest']['@iot.id']})"
    assert [one["result"] for one in await house.values(f"{mine}/Observations")] == [7.5]
    assert await results(house, stream, filter="parameters/by eq 'hand'") == [7.5]
    assert await results(house, stream, filter="FeatureOfInterest/name ne 'lake'") == [8.5]
    assert await results(house, stream, filter="resultTime gt phenomenonTime") == [7.5]
    shown = await house.get(f"Datastreams({stream})")
    assert shown["phenomenonTime"] == f"{iso(NOW)}/{iso(NOW + 1)}"
    assert shown["resultTime"] == f"{iso(NOW + 5)}/{iso(NOW + 5)}"
    span = at(stream, NOW + 2, 9, phenomenonTime=f"{iso(NOW + 2)}/{iso(NOW + 3)}")
    id_ = await house.make("Observations", span)
    told = await house.get(f"Observations({id_!r})/phenomenonTime/$value")
    assert told == span["phenomenonTime"]
    without_time = await house.make("Observations", at(stream, None, 1))
    assert (await house.get(f"Observations({without_time!r})"))["phenomenonTime"] == iso(NOW)


async def test_corrections_hide_what_the_lake_keeps(house: House) -> None:
    stream = await stream_of(house)
    ids = [await house.make("Observations", at(stream, NOW + n, n)) for n in range(4)]
    await house.commit()
    told = await house.call("PATCH", f"Observations({ids[1]!r})", {"result": 41})
    assert told["result"] == 41
    await house.call("DELETE", f"Observations({ids[2]!r})")
    await house.get(f"Observations({ids[2]!r})", status=404)
    await house.call("DELETE", f"Observations({ids[2]!r})", status=404)
    edit = [{"op": "add", "path": "/parameters", "value": {"x": 1}}]
    await house.call("PATCH", f"Observations({ids[3]!r})", edit, kind="application/json-patch+json")
    assert await results(house, stream) == [0, 41, 3]
    assert await results(house, stream, filter="result lt 2") == [0]
    assert await results(house, stream, orderby="result desc") == [41, 3, 0]
    assert (await house.get(f"Datastreams({stream})/Observations", count="true"))["@iot.count"] == 3
    again = await house.make("Observations", at(stream, NOW + 2, 2))
    assert again != ids[2]
    await house.commit()
    assert await results(house, stream) == [0, 41, 2, 3]


async def test_a_changed_time_keeps_the_id(house: House) -> None:
    stream = await stream_of(house)
    ids = [await house.make("Observations", at(stream, NOW + n, n)) for n in range(3)]
    await house.commit()
    first = f"Observations({ids[0]!r})"
    for change, time in (("PATCH", NOW + 10), ("PUT", NOW + 1)):
        told = await house.call(change, first, {"result": 7, "phenomenonTime": iso(time)})
        assert (told["@iot.id"], told["phenomenonTime"]) == (ids[0], iso(time))
        assert await house.get(first) == told
        assert await results(house, stream, filter=f"id eq {ids[0]}") == [7]
    assert await results(house, stream) == [1, 7, 2]
    assert [part[0]["result"] for part in await house.pages("Observations", top=1)] == [1, 7, 2]
    again = await house.make("Observations", at(stream, NOW, 0))
    assert again not in ids
    assert await results(house, stream) == [0, 1, 7, 2]
    await house.call("PATCH", first, {"phenomenonTime": iso(NOW)})
    await house.call("DELETE", first)
    await house.get(first, status=404)
    assert await results(house, stream) == [0, 1, 2]


async def test_ids_order_observations_of_several_datastreams(house: House) -> None:
    first, second = await stream_of(house), await stream_of(house)
    for n in range(3):
        await house.make("Observations", at(second, NOW + n, 10 + n))
        await house.make("Observations", at(first, NOW + 5 + n, n, resultTime=iso(NOW)))
        await house.commit()
    await house.make("Observations", at(first, NOW + 20, 3))
    for order, expected in (
        ("id", [0, 1, 2, 3, 10, 11, 12]),
        ("id desc", [12, 11, 10, 3, 2, 1, 0]),
    ):
        pages = await house.pages("Observations", orderby=order, top=3, count="true")
        assert [one["result"] for page in pages for one in page] == expected


async def test_what_is_observed_is_said_or_known_from_the_place(house: House) -> None:
    nowhere = thing("nowhere", datastream("loose"), Locations=[])
    stream = (await house.values(f"Things({await house.make('Things', nowhere)})/Datastreams"))[0]
    told = await house.call("POST", "Observations", at(stream["@iot.id"], NOW, 1), 400)
    assert "FeatureOfInterest" in told["title_en"]
    inside = datastream("inside", Observations=[{"result": 1}])
    await house.call("POST", "Things", thing("gone", inside, Locations=[]), 400)
    partial = [{"result": 1, "FeatureOfInterest": {"name": "no more than this"}}]
    await house.call(
        "POST", "Things", thing("gone", datastream("inside", Observations=partial)), 400
    )
    assert await house.values("Things", filter="name eq 'gone'") == []


async def test_the_observations_of_a_removed_feature_go_with_it(house: House) -> None:
    stream = await stream_of(house)
    await house.make("Observations", at(stream, NOW, 1))
    await house.commit()
    feature = (await house.values("FeaturesOfInterest"))[0]["@iot.id"]
    assert len(await house.values(f"FeaturesOfInterest({feature})/Observations")) == 1
    await house.call("DELETE", f"FeaturesOfInterest({feature})")
    assert await results(house, stream) == []
    await house.make("Observations", at(stream, NOW, 1))
    await house.make("Observations", at(stream, NOW + 1, 2))
    await house.commit()
    assert await results(house, stream) == [1, 2]


async def test_a_long_series_is_read_page_by_page(house: House) -> None:
    stream = await stream_of(house)
    count = 25_000
    rows = [[iso(NOW - 30 * DAY + n * MINUTE), float(n)] for n in range(count)]
    body = [{"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"],
             "dataArray": rows}]  # fmt: skip
    links = await house.call("POST", "CreateObservations", body, 201)
    assert len(set(links)) == count
    await house.commit()
    path = f"Datastreams({stream})/Observations"
    page = await house.get(path, top=1000, count="true", select="result")
    assert page["@iot.count"] == count
    assert [one["result"] for one in page["value"]] == [float(n) for n in range(1000)]
    pages = await house.pages(path, top=1000, filter="result ge 20500", select="result")
    assert [one["result"] for part in pages for one in part] == [
        float(n) for n in range(20500, count)
    ]
    falling = await house.get(path, top=3, skip=24_000, orderby="phenomenonTime desc")
    assert [one["result"] for one in falling["value"]] == [999.0, 998.0, 997.0]
    since = iso(NOW - 30 * DAY + 100 * MINUTE)
    part = f"phenomenonTime ge {since} and minute(phenomenonTime) eq 0"
    hours = await house.values(path, filter=part, top=2, select="result")
    assert [one["result"] for one in hours] == [120.0, 180.0]
    most = await house.values(path, orderby="result desc", top=2, select="result")
    assert [one["result"] for one in most] == [24_999.0, 24_998.0]


async def test_pages_agree_with_a_plain_model_whatever_was_done(house: House) -> None:
    """The model is a sorted list; what is done is drawn from a fixed seed."""
    chance = random.Random(7)
    streams = [await stream_of(house) for _ in range(2)]
    model: dict[tuple[int, int], float] = {}
    for step in range(60):
        stream, time = chance.choice(streams), NOW - chance.randrange(30) * DAY
        value = float(chance.randrange(100))
        path = f"Observations('{stream}-{time}')"
        if (time, stream) not in model:
            await house.make("Observations", at(stream, time, value))
        elif chance.random() < 0.6:
            await house.call("PATCH", path, {"result": value})
        else:
            await house.call("PATCH", path, {"parameters": {"step": step}})
            value = model[time, stream]
        model[time, stream] = value
        if step % 13 == 0:
            await house.commit()
    expected = [value for _, value in sorted(model.items())]
    for query in (
        {"top": 7},
        {"top": 7, "filter": "result ge 0"},
        {"top": 4, "filter": "id ne 'x'"},
    ):
        pages = await house.pages("Observations", **query)
        assert [one["result"] for page in pages for one in page] == expected
    falling = [model[key] for key in sorted(model, key=lambda key: (-key[0], key[1]))]
    pages = await house.pages("Observations", top=5, orderby="phenomenonTime desc")
    assert [one["result"] for page in pages for one in page] == falling
    told = await house.get("Observations", count="true", filter="result gt 50", top=1)
    assert told["@iot.count"] == sum(value > 50 for value in model.values())


async def test_arrays_go_in_with_errors_marked_and_come_out_grouped(house: House) -> None:
    one, two = await stream_of(house), await stream_of(house)
    feature = {
        "name": "f", "description": "f", "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [1, 2]},
    }  # fmt: skip
    number = await house.make("FeaturesOfInterest", feature)
    body = [
        {"Datastream": {"@iot.id": one}, "components": ["phenomenonTime", "result"],
         "dataArray@iot.count": 3,
         "dataArray": [[iso(NOW), 1], [iso(NOW + 1), "x"], [iso(NOW + 2)]]},
        {"Datastream": {"@iot.id": two},
         "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
         "dataArray": [[iso(NOW), 5, number], ["never", 6, number]]},
        {"Datastream": {"@iot.id": 4711}, "components": ["result"], "dataArray": [[1]]},
    ]  # fmt: skip
    told = await house.call("POST", "CreateObservations", body, 201)
    root = "http://house.test/sta/v1.1"
    assert told == [
        f"{root}/Observations({one << 42 | NOW})", "error", "error",
        f"{root}/Observations({two << 42 | NOW})", "error", "error",
    ]  # fmt: skip
    assert (await house.get(f"Observations('{two}-{NOW}')/FeatureOfInterest"))["name"] == "f"
    arrays = await house.values("Observations", resultFormat="dataArray")
    assert [part["dataArray@iot.count"] for part in arrays] == [1, 1]
    assert arrays[0]["components"] == ["id", "phenomenonTime", "result", "resultTime"]
    assert arrays[0]["dataArray"] == [[one << 42 | NOW, iso(NOW), 1.0, None]]
    chosen = await house.values("Observations", resultFormat="dataArray", select="result")
    assert chosen[1]["dataArray"] == [[5.0]]
    await house.call("POST", "CreateObservations", {"no": 1}, 400)


async def test_things_are_found_by_what_their_datastreams_observed(house: House) -> None:
    for n in range(3):
        await house.make(
            "Things",
            thing(f"t{n}", datastream(f"d{n}", Observations=[
                {"phenomenonTime": iso(NOW - m * MINUTE), "result": n * 10 + m} for m in range(3)
            ]), at=(114 + n, 30)),
        )  # fmt: skip

    async def names(text: str, **more: Any) -> list[str]:
        return [one["name"] for one in await house.values("Things", filter=text, **more)]

    for _ in range(2):
        assert await names("Datastreams/Observations/result gt 11") == ["t1", "t2"]
        assert await names("Datastreams/Observations/result eq 1 or name eq 't2'") == ["t0", "t2"]
        assert await names("not (Datastreams/Observations/result ge 0)") == []
        text = f"Datastreams/Observations/phenomenonTime ge {iso(NOW)} and length(name) eq 2"
        assert await names(text, orderby="name desc") == ["t2", "t1", "t0"]
        box = "POLYGON((113.5 29,115.5 29,115.5 31,113.5 31,113.5 29))"
        text = f"st_within(Locations/location, geography'{box}')"
        assert await names(text) == ["t0", "t1"]
        assert await names("geo.distance(Locations/location, geography'POINT(116 30)') lt 0.5") == [
            "t2"
        ]
        assert await names("Datastreams/unitOfMeasurement/symbol eq 'm'", top=1, count="true") == [
            "t0"
        ]
        latest = await house.values(
            "Datastreams", expand="Observations($top=1;$orderby=phenomenonTime desc;$select=result)"
        )
        assert [one["Observations"] for one in latest] == [
            [{"result": 0.0}],
            [{"result": 10.0}],
            [{"result": 20.0}],
        ]
        assert all("Observations@iot.nextLink" in one for one in latest)
        far = await house.values(
            "Things",
            expand="Datastreams($expand=Observations($filter=result mod 10 eq 2;$count=true))",
        )
        assert [one["Datastreams"][0]["Observations@iot.count"] for one in far] == [1, 1, 1]
        text = "phenomenonTime lt 2027-01-01T00:00:00Z"
        assert len(await house.values("Datastreams", filter=text, orderby="Thing/name desc")) == 3
        await house.commit()


async def test_a_bus_that_is_down_is_told_and_leaves_no_number_behind(house: House) -> None:
    stream = await stream_of(house)
    house.bus.down = True
    await house.call("POST", "Observations", at(stream, NOW, 1), 503)
    assert await results(house, stream) == []
    house.bus.down = False
    await house.make("Observations", at(stream, NOW, 1))
    assert await results(house, stream) == [1]


async def test_what_lies_far_ahead_is_kept_here_only(house: House) -> None:
    stream = await stream_of(house)
    id_ = await house.make("Observations", at(stream, NOW + 10 * DAY, 3))
    await house.commit()
    assert not house.bus.messages
    assert (await house.get(f"Observations({id_!r})"))["result"] == 3


async def test_times_that_no_number_holds_have_ids_of_text(house: House) -> None:
    stream = await stream_of(house)
    for said in ("1815-06-18T10:00:00.000Z", "2400-01-01T00:00:00.000Z"):
        body = {"Datastream": {"@iot.id": stream}, "result": 1, "phenomenonTime": said}
        id_ = await house.make("Observations", body)
        assert isinstance(id_, str)
        assert (await house.get(f"Observations({id_!r})"))["phenomenonTime"] == said
        found = await house.values("Observations", filter=f"id eq {id_!r}")
        assert len(found) == 1
