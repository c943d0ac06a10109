"""What the tests say to a running service again and again."""

from typing import Any

import httpx

from tests.brains import RunningBrain

BASE = "/sta/v1.1"


class Client:
    """A plain HTTP client of one brain's SensorThings service."""

    def __init__(self, brain: RunningBrain) -> None:
        self.root = brain.url + BASE
        self._http = httpx.Client(timeout=30, trust_env=False)

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """Return the JSON at a path; options are named without the dollar sign."""
        asked = {f"${key}": value for key, value in query.items()}
        answer = self._http.get(f"{self.root}/{path}", params=asked or None)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def values(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.get(path, **query)["value"])

    def follow(self, link: str) -> Any:
        answer = self._http.get(link)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **query: Any) -> list[list[dict[str, Any]]]:
        """Return all pages of a collection, following the links."""
        page = self.get(path, **query)
        pages = [page["value"]]
        while "@iot.nextLink" in page:
            page = self.follow(page["@iot.nextLink"])
            pages.append(page["value"])
        return pages

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self._http.request(method, f"{self.root}/{path}", json=body, **more)

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.send("POST", path, body)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def make(self, path: str, body: Any) -> Any:
        """Create an entity and return its id."""
        return self.post(path, body)["@iot.id"]


def datastream(name: str, kind: str = "OM_Measurement", **more: Any) -> dict[str, Any]:
    """Return a datastream with its own sensor and property."""
    return {
        "name": name,
        "description": f"{name} of a test",
        "observationType": f"http://www.opengis.net/def/observationType/OGC-OM/2.0/{kind}",
        "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "ucum:m"},
        "Sensor": {
            "name": f"sensor of {name}", "description": "a gauge",
            "encodingType": "application/pdf", "metadata": "https://example.org/gauge.pdf",
        },
        "ObservedProperty": {
            "name": f"property of {name}", "definition": "https://example.org/depth",
            "description": "how deep",
        },
        **more,
    }  # fmt: skip


def thing(name: str, *streams: dict[str, Any], at: tuple[float, float] = (114.27, 30.55),
          **more: Any) -> dict[str, Any]:  # fmt: skip
    """Return a thing at a place, with datastreams."""
    return {
        "name": name,
        "description": f"{name} of a test",
        "Locations": [
            {
                "name": f"place of {name}", "description": "by the lake",
                "encodingType": "application/geo+json",
                "location": {"type": "Point", "coordinates": list(at)},
            }
        ],
        "Datastreams": list(streams),
        **more,
    }  # fmt: skip
