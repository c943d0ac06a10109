"""The client of others, unmodified, against a running brain: it writes, reads, asks and removes."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.brains import RunningBrain
from tests.network.sensorthings.client import Client

frost = pytest.importorskip("frost_sta_client")
pytestmark = pytest.mark.filterwarnings("ignore")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def service(brain: RunningBrain, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return frost.SensorThingsService(Client(brain).root)


def new_thing(service: Any, name: str) -> Any:
    place = frost.Location(
        name=f"place of {name}", description="d", encoding_type="application/geo+json",
        location={"type": "Point", "coordinates": [114.27, 30.55]},
    )  # fmt: skip
    unit = frost.UnitOfMeasurement(name="metre", symbol="m", definition="ucum:m")
    stream = frost.Datastream(
        name=f"depth of {name}", description="d", unit_of_measurement=unit,
        observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        sensor=frost.Sensor(name="gauge", description="d", encoding_type="application/pdf",
                            metadata="https://example.org/g.pdf"),
        observed_property=frost.ObservedProperty(
            name="depth", definition="https://example.org/depth", description="d"),
    )  # fmt: skip
    made = frost.Thing(name=name, description="by the client", properties={"n": 1})
    made.locations = [place]
    made.datastreams = [stream]
    service.create(made)
    return made


def test_the_client_creates_changes_finds_and_removes(service: Any) -> None:
    name = f"frost {time.time_ns()}"
    made = new_thing(service, name)
    assert isinstance(made.id, int)
    found = service.things().find(made.id)
    assert (found.name, found.properties) == (name, {"n": 1})
    found.description = "changed"
    service.update(found)
    service.patch(found, [{"op": "replace", "path": "/properties/n", "value": 2}])
    again = service.things().find(made.id)
    assert (again.description, again.properties) == ("changed", {"n": 2})
    listed = service.things().query().filter(f"name eq '{name}'").expand(
        "Locations,Datastreams($expand=Sensor,ObservedProperty)").list()  # fmt: skip
    whole = next(iter(listed))
    assert whole.locations.entities[0].location["coordinates"] == [114.27, 30.55]
    assert whole.datastreams.entities[0].observed_property.name == "depth"
    assert whole.datastreams.entities[0].unit_of_measurement.symbol == "m"
    service.delete(again)
    with pytest.raises(Exception, match="404"):
        service.things().find(made.id)


def test_the_client_sends_observations_and_reads_them_at_once(service: Any) -> None:
    made = new_thing(service, f"frost {time.time_ns()}")
    stream = service.things().find(made.id).get_datastreams().query().list().entities[0]
    for n in range(5):
        said = frost.Observation(
            phenomenon_time=(NOW - timedelta(minutes=n)).isoformat(), result=n + 0.25,
            datastream=frost.Datastream(id=stream.id),
        )  # fmt: skip
        service.create(said)
        assert said.id >> 42 == stream.id
        assert service.observations().find(said.id).result == n + 0.25
    listed = (
        stream.get_observations().query().filter("result gt 1").orderby("result", "ASC").count()
    )
    listed = listed.top(2).list()
    assert listed.count == 4
    assert [one.result for one in listed] == [1.25, 2.25, 3.25, 4.25]  # over two pages
    value = frost.model.ext.data_array_value.DataArrayValue()
    value.datastream = stream
    property_ = frost.model.ext.data_array_value.DataArrayValue.Property
    value.components = {property_.PHENOMENON_TIME, property_.RESULT}
    for n in range(10, 1510):
        value.add_observation(
            frost.Observation(phenomenon_time=(NOW - timedelta(minutes=n)).isoformat(), result=n)
        )
    document = frost.model.ext.data_array_document.DataArrayDocument()
    document.add_data_array_value(value)
    assert len(service.observations().create(document)) == 1500
    newest = stream.get_observations().query().orderby("phenomenonTime", "DESC").top(500).list()
    results = [one.result for one in newest]
    assert results == [n + 0.25 for n in range(5)] + [float(n) for n in range(10, 1510)]
    corrected = newest.entities[0]
    corrected.result = 99
    service.update(corrected)
    assert service.observations().find(corrected.id).result == 99
    service.delete(corrected)
    assert len(list(stream.get_observations().query().filter("result lt 5").list())) == 4


def test_the_register_of_the_house_is_there_for_the_client(
    service: Any, brain: RunningBrain
) -> None:
    text = "properties/type eq 'ponding_point' and Datastreams/ObservedProperty/name eq 'depth'"
    listed = service.things().query().filter(text).expand("Datastreams").top(3).list()
    found = next(iter(listed))
    depth = next(one for one in found.datastreams.entities if one.name.endswith(" depth"))
    said = {"thing": found.properties["id"], "property": "depth", "value": 0.125}
    assert brain.post("/observations", said).status_code == 202
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        query = depth.get_observations().query().filter("result eq 0.125").top(1)
        if query.orderby("phenomenonTime").list().entities:
            return
    raise AssertionError("the observation did not arrive in the lake")
