"""The eight kinds of entities of SensorThings Sensing, their properties and their links."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Form = Literal["text", "object", "unit", "instant", "when", "geometry", "any"]


class Field(NamedTuple):
    """A property: its name on the wire and the attribute of the row that holds it."""

    name: str
    attribute: str
    form: Form
    required: bool = False
    computed: bool = False  # the server says it, a client may not


class Link(NamedTuple):
    """A navigation link; `target` is the singular name of the kind it leads to."""

    name: str
    target: str
    many: bool
    required: bool = False


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of entity."""

    name: str
    plural: str
    fields: tuple[Field, ...]
    links: tuple[Link, ...]
    field_of: dict[str, Field] = field(init=False)
    link_of: dict[str, Link] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "field_of", {one.name: one for one in self.fields})
        object.__setattr__(self, "link_of", {one.name: one for one in self.links})


_NAME = Field("name", "name", "text", required=True)
_DESCRIPTION = Field("description", "description", "text", required=True)
_PROPERTIES = Field("properties", "properties", "object")
_ENCODING = Field("encodingType", "encoding", "text", required=True)

THING = Kind(
    "Thing", "Things", (_NAME, _DESCRIPTION, _PROPERTIES),
    (Link("Locations", "Location", many=True),
     Link("HistoricalLocations", "HistoricalLocation", many=True),
     Link("Datastreams", "Datastream", many=True)),
)  # fmt: skip
LOCATION = Kind(
    "Location", "Locations",
    (_NAME, _DESCRIPTION, _ENCODING, Field("location", "location", "geometry", required=True),
     _PROPERTIES),
    (Link("Things", "Thing", many=True),
     Link("HistoricalLocations", "HistoricalLocation", many=True)),
)  # fmt: skip
HISTORICAL_LOCATION = Kind(
    "HistoricalLocation", "HistoricalLocations",
    (Field("time", "time", "instant", required=True),),
    (Link("Thing", "Thing", many=False, required=True),
     Link("Locations", "Location", many=True, required=True)),
)  # fmt: skip
DATASTREAM = Kind(
    "Datastream", "Datastreams",
    (_NAME, _DESCRIPTION, Field("observationType", "observation_type", "text", required=True),
     Field("unitOfMeasurement", "unit", "unit", required=True),
     Field("observedArea", "observed_area", "geometry"),
     Field("phenomenonTime", "phenomenon_time", "when", computed=True),
     Field("resultTime", "result_time", "when", computed=True), _PROPERTIES),
    (Link("Thing", "Thing", many=False, required=True),
     Link("Sensor", "Sensor", many=False, required=True),
     Link("ObservedProperty", "ObservedProperty", many=False, required=True),
     Link("Observations", "Observation", many=True)),
)  # fmt: skip
SENSOR = Kind(
    "Sensor", "Sensors",
    (_NAME, _DESCRIPTION, _ENCODING, Field("metadata", "described", "any", required=True),
     _PROPERTIES),
    (Link("Datastreams", "Datastream", many=True),),
)  # fmt: skip
OBSERVED_PROPERTY = Kind(
    "ObservedProperty", "ObservedProperties",
    (_NAME, Field("definition", "definition", "text", required=True), _DESCRIPTION, _PROPERTIES),
    (Link("Datastreams", "Datastream", many=True),),
)  # fmt: skip
OBSERVATION = Kind(
    "Observation", "Observations",
    (Field("phenomenonTime", "phenomenon_time", "when"),
     Field("result", "result", "any", required=True),
     Field("resultTime", "result_time", "instant"),
     Field("resultQuality", "quality", "any"),
     Field("validTime", "valid_time", "when"),
     Field("parameters", "parameters", "object")),
    (Link("Datastream", "Datastream", many=False, required=True),
     Link("FeatureOfInterest", "FeatureOfInterest", many=False)),
)  # fmt: skip
FEATURE = Kind(
    "FeatureOfInterest", "FeaturesOfInterest",
    (_NAME, _DESCRIPTION, _ENCODING, Field("feature", "feature", "geometry", required=True),
     _PROPERTIES),
    (Link("Observations", "Observation", many=True),),
)  # fmt: skip

KINDS = {
    kind.name: kind
    for kind in (
        THING, LOCATION, HISTORICAL_LOCATION, DATASTREAM, SENSOR, OBSERVATION, OBSERVED_PROPERTY,
        FEATURE,
    )
}  # fmt: skip
PLURALS = {kind.plural: kind for kind in KINDS.values()}

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
MEASUREMENT, COUNT, TRUTH = (
    f"{OM}OM_Measurement",
    f"{OM}OM_CountObservation",
    f"{OM}OM_TruthObservation",
)
CATEGORY, COMPLEX, ANY = (
    f"{OM}OM_CategoryObservation",
    f"{OM}OM_ComplexObservation",
    f"{OM}OM_Observation",
)
GEOJSON = {"application/geo+json", "application/vnd.geo+json"}


class Entity(NamedTuple):
    """One entity as it is inside: `values` by the names of the wire, times as `When`."""

    kind: Kind
    number: int  # of the row; 0 for an observation that is only in the lake
    id: int | str
    values: dict[str, Any]
    links: dict[str, int | None]  # the rows that to-one links lead to
    house: bool = False  # it mirrors the house's own register

    @property
    def key(self) -> str:
        return f"'{self.id}'" if isinstance(self.id, str) else str(self.id)

    @property
    def path(self) -> str:
        return f"{self.kind.plural}({self.key})"
