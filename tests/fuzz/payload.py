"""Any bytes as the message of a platform, by every mapping that is built in."""

from zhiyin.network.frame import FrameFault
from zhiyin.network.payload.decode import Context, decode
from zhiyin.network.payload.load import builtin_payloads

_MAPPINGS = builtin_payloads()
_TOPICS = ("", "v1/gateway/telemetry", "$sys/p/d/thing/property/post", "v1/plain",
           "$oc/devices/d/sys/properties/report")  # fmt: skip


def one(data: bytes) -> None:
    """Raise on anything but rows and FrameFaults."""
    topic = _TOPICS[data[0] % len(_TOPICS)] if data else ""
    for mapping in _MAPPINGS.values():
        try:
            read = decode(mapping, data[1:], Context(topic, {}, {"device": "d"}), 65_536)
        except FrameFault:
            continue
        assert len(read.troubles) <= read.trouble_count
        for row in read.rows:
            assert isinstance(row.device, str)
            assert row.time is None or isinstance(row.time, int)
