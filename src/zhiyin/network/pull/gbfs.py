"""GBFS 2.3 and 3.0 (MobilityData): feeds to rows and places. Pure; fetches nothing.

Names are those of 3.0; 2.3 is read under them (`num_bikes_available`, `free_bike_status`, plain
names, times as POSIX seconds).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from zhiyin.kernel import fixed_id, parse_time
from zhiyin.network.pull.faults import NotAsDeclared
from zhiyin.network.pull.section import FORM_FACTORS, Stations, Vehicles
from zhiyin.network.replay_rows import Observation

VERSIONS = ("2.", "3.")
_OLD = {
    "num_vehicles_available": "num_bikes_available", "num_vehicles_disabled": "num_bikes_disabled",
    "vehicle_status": "free_bike_status",
}  # fmt: skip
_FLAGS = ("is_installed", "is_renting", "is_returning")
ID = re.compile(r"[^A-Za-z0-9_-]+")
TROUBLES = 5  # told of one feed; the others are counted


class Troubles:
    """What of a feed could not be read: the first few, and how many."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.count = 0

    def add(self, what: str) -> None:
        self.count += 1
        if len(self.told) < TROUBLES:
            self.told.append(what[:200])


def data_of(feed: str, tree: Any) -> dict[str, Any]:
    """Return a file's `data`; NotAsDeclared when it is no GBFS of 2.x or 3.x."""
    if not isinstance(tree, dict) or not isinstance(tree.get("data"), dict):
        raise NotAsDeclared(feed, reason="no GBFS file: it has no data")
    version = str(tree.get("version", ""))
    if not version.startswith(VERSIONS):
        raise NotAsDeclared(feed, reason=f"GBFS version {version!r}; it should be 2.x or 3.x")
    return dict(tree["data"])


def fresh_until(tree: Any, now: int) -> int:
    """Return the time (UTC ms) before which a file need not be fetched again, by its `ttl`."""
    ttl = tree.get("ttl", 0) if isinstance(tree, dict) else 0
    good = isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0 <= ttl <= 86_400
    return now + (int(ttl * 1000) if good else 0)


def feeds_of(tree: Any) -> dict[str, str]:
    """Return the address of each feed, by its name of 3.0; of several languages the first."""
    data = data_of("gbfs", tree)
    if "feeds" not in data:
        data = next((one for one in data.values() if isinstance(one, dict)), {})
    new = {old: name for name, old in _OLD.items()}
    found = {}
    listed = data.get("feeds")
    for feed in listed if isinstance(listed, list) else ():
        if isinstance(feed, dict) and isinstance(feed.get("name"), str):
            found[str(new.get(feed["name"], feed["name"]))] = str(feed.get("url", ""))
    if not found:
        raise NotAsDeclared("gbfs", reason="it names no feeds")
    return found


def thing_of(prefix: str, station: str) -> str:
    """Return a station's id here: of letters, digits, `_` and `-`, at most 64; empty for none.

    One that is too long keeps its beginning and a digest of the whole.
    """
    plain = ID.sub("-", station).strip("-")
    if len(prefix + plain) > 64:
        plain = f"{plain[: 55 - len(prefix)]}-{fixed_id(station)[:8]}"
    return prefix + plain if plain else ""


def moment(said: Any) -> int | None:
    """Return a time of GBFS in UTC ms: POSIX seconds (2.3) or RFC 3339 (3.0)."""
    try:
        if isinstance(said, str):
            return parse_time(said)
        if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 1e11:
            return int(said * 1000)
    except (ValueError, OverflowError):
        pass
    return None


def items(feed: str, data: Mapping[str, Any], *names: str) -> list[Any]:
    """Return a feed's list under the first of the names it has."""
    found = next((data[name] for name in names if name in data), None)
    if not isinstance(found, list):
        raise NotAsDeclared(feed, reason=f"no list {names[0]}")
    return found


def station_rows(
    status: Any, information: Any, told: Stations, received: int, troubles: Troubles
) -> Iterator[Observation]:
    """Yield the figures of every station, of the time at which it last reported."""
    capacity = {
        one.get("station_id"): one.get("capacity")
        for one in _stations(information)
        if isinstance(one, dict) and isinstance(one.get("station_id"), str)
    }
    updated = moment(status.get("last_updated")) or received
    for one in items("station_status", data_of("station_status", status), "stations"):
        station = one.get("station_id") if isinstance(one, dict) else None
        if not isinstance(station, str) or not thing_of(told.prefix, station):
            troubles.add("a station without station_id")
            continue
        time = moment(one.get("last_reported")) or updated
        thing = thing_of(told.prefix, station)
        for figure, prop in told.properties.items():
            said = capacity.get(station) if figure == "capacity" else _figure(one, figure)
            if said is None:
                continue  # most figures are optional
            value = _number(said, figure)
            if value is None:
                troubles.add(f"{station}: {figure} is {str(said)[:40]!r}")
            else:
                yield Observation(thing, prop, time, value)


def _stations(information: Any) -> list[Any]:
    if information is None:
        return []
    return items("station_information", data_of("station_information", information), "stations")


def _figure(one: Mapping[str, Any], figure: str) -> Any:
    return one[figure] if figure in one else one.get(_OLD.get(figure, ""))


def _number(said: Any, figure: str) -> float | None:
    if figure in _FLAGS:
        return float(said) if isinstance(said, bool | int) and said in {0, 1} else None
    good = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if good and 0 <= said < 1e9 else None


def station_places(information: Any, told: Stations, troubles: Troubles) -> dict[str, Any]:
    """Return the stations as GeoJSON: points with id, name, capacity, and area where given."""
    features = []
    for one in _stations(information):
        place = _place(one)
        station = one.get("station_id") if isinstance(one, dict) else None
        if place is None or not isinstance(station, str):
            troubles.add(f"station {str(station)[:60]}: no id or place")
            continue
        facts = {"id": thing_of(told.prefix, station), "station_id": station, "type": told.type,
                 "name": text_of(one.get("name")) or station}  # fmt: skip
        facts |= {
            key: one[key]
            for key in (
                "capacity",
                "is_virtual_station",
                "parking_type",
                "region_id",
                "station_area",
            )
            if key in one
        }
        features.append(_feature(place, facts))
    return _collection(features)


def vehicle_rows(
    status: Any, types: Any, told: Vehicles, received: int, troubles: Troubles
) -> tuple[list[Observation], dict[str, Any]]:
    """Return the counts of free vehicles by state and form factor, and their places as GeoJSON."""
    forms = _form_factors(types)
    count: Counter[str] = Counter({"vehicles": 0, "reserved": 0, "disabled": 0, "available": 0})
    count.update(dict.fromkeys(FORM_FACTORS, 0))
    features = []
    data = data_of("vehicle_status", status)
    for one in items("vehicle_status", data, "vehicles", "bikes"):
        if not isinstance(one, dict):
            troubles.add("a vehicle that is no object")
            continue
        reserved, disabled = one.get("is_reserved") is True, one.get("is_disabled") is True
        form = forms.get(str(one.get("vehicle_type_id")), "other" if forms else "bicycle")
        count["vehicles"] += 1
        count["reserved"] += reserved
        count["disabled"] += disabled
        count["available"] += not (reserved or disabled)
        count[form] += 1
        place = _place(one)
        if place is not None:  # one at a station has none of its own
            # The id rotates by the standard, and whose trip it was is nobody's business here.
            facts = {"form_factor": form, "reserved": reserved, "disabled": disabled}
            features.append(_feature(place, facts))
        elif "station_id" not in one:
            troubles.add("a vehicle without place and station")
    time = moment(status.get("last_updated")) or received
    rows = [
        Observation(told.thing, prop, time, float(count[figure]))
        for figure, prop in told.properties.items()
    ]
    return rows, _collection(features)


def _form_factors(types: Any) -> dict[str, str]:
    if types is None:
        return {}
    found = {}
    for one in items("vehicle_types", data_of("vehicle_types", types), "vehicle_types"):
        if isinstance(one, dict) and isinstance(one.get("vehicle_type_id"), str):
            form = one.get("form_factor")
            found[one["vehicle_type_id"]] = form if form in FORM_FACTORS else "other"
    return found


def zones_of(feed: Any, troubles: Troubles) -> dict[str, Any]:
    """Return geofencing zones as GeoJSON: name, times in UTC ms, rules under their names of 3.0."""
    data = data_of("geofencing_zones", feed)
    collection = data.get("geofencing_zones")
    listed = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(listed, list):
        raise NotAsDeclared("geofencing_zones", reason="no list of features")
    features = []
    for number, one in enumerate(listed, 1):
        geometry = one.get("geometry") if isinstance(one, dict) else None
        if not isinstance(geometry, dict) or geometry.get("type") != "MultiPolygon":
            troubles.add(f"zone {number}: no MultiPolygon")
            continue
        told = one.get("properties") if isinstance(one.get("properties"), dict) else {}
        facts = {
            "name": text_of(told.get("name")), "start": moment(told.get("start")),
            "end": moment(told.get("end")), "rules": _rules(told.get("rules")),
        }  # fmt: skip
        features.append({"type": "Feature", "geometry": geometry, "properties": facts})
    found = _collection(features)
    found["global_rules"] = _rules(data.get("global_rules"))
    return found


def _rules(said: Any) -> list[dict[str, Any]]:
    """Return rules of 2.3 (`ride_allowed` means start and end) and 3.0 alike."""
    found = []
    for rule in said if isinstance(said, list) else ():
        if not isinstance(rule, dict):
            continue
        told = dict(rule)
        if "ride_allowed" in told:
            told["ride_start_allowed"] = told["ride_end_allowed"] = told.pop("ride_allowed")
        if "vehicle_type_id" in told:
            told["vehicle_type_ids"] = told.pop("vehicle_type_id")
        found.append(told)
    return found


def text_of(said: Any) -> str:
    """Return a name: plain text (2.3), or of localised texts (3.0) the Chinese or the first."""
    if isinstance(said, str):
        return said
    texts = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    chinese = [one for one in texts if str(one.get("language", "")).startswith("zh")]
    return str((chinese + texts)[0].get("text", "")) if texts else ""


def _place(one: Any) -> list[float] | None:
    if not isinstance(one, dict):
        return None
    lon: Any = one.get("lon")
    lat: Any = one.get("lat")
    for said, most in ((lon, 180), (lat, 90)):
        number = isinstance(said, int | float) and not isinstance(said, bool)
        if not number or not math.isfinite(said) or abs(said) > most:
            return None
    return [float(lon), float(lat)]


def _feature(place: list[float], facts: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": place}
    return {"type": "Feature", "geometry": geometry, "properties": facts}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}
