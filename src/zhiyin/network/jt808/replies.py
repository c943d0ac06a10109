"""What a platform answers: messages to one terminal in its own header, with our serial numbers."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import Facts, FrameFault
from zhiyin.network.jt808.codec import body_of
from zhiyin.network.jt808.framing import Header, write_frame
from zhiyin.network.jt808.values import bcd_now
from zhiyin.network.model import Reason

OK, FAILED, WRONG, UNSUPPORTED = 0, 1, 2, 3  # results of 8001 (§8.2)
SAYS = {FAILED: "failed", WRONG: "message wrong", UNSUPPORTED: "unsupported"}
_RESULTS = {
    Reason.UNSUPPORTED: UNSUPPORTED, Reason.WRONG_KEY: FAILED, Reason.UNKNOWN_DEVICE: FAILED,
}  # fmt: skip
_NO_VEHICLE, _NO_TERMINAL = 2, 4  # results of 8100 (§8.6)


class Replies:
    """Builds the platform's messages on one connection and counts their serial numbers."""

    def __init__(self) -> None:
        self.serial = -1

    def header(self, message: int, like: Header) -> Header:
        """Return the next header, in the edition and with the phone of `like`."""
        self.serial = (self.serial + 1) & 0xFFFF
        return Header(message, like.phone, self.serial, like.year, like.version)

    def message(self, message: int, values: Mapping[str, Any], like: Header) -> bytes:
        """Return the frame of a message with these values."""
        body = body_of(f"{message:04X}", like.year, values)
        return write_frame(self.header(message, like), body)

    def general(self, header: Header, result: int) -> bytes:
        """8001: the general answer to a message."""
        body = (header.serial << 24 | header.message << 8 | result).to_bytes(5, "big")
        return write_frame(self.header(0x8001, header), body)

    def registered(self, header: Header, token: str) -> bytes:
        """8100: welcome, with the token to authenticate with."""
        values = {"answered": header.serial, "result": 0, "token": token}
        return self.message(0x8100, values, header)

    def time(self, header: Header, facts: Facts, now: int) -> bytes:
        """8004 (2019 §8.5): UTC, or the district's time by setting `time_answer`."""
        utc = facts.settings.get("time_answer", "utc") != "district"
        return self.message(0x8004, {"time": bcd_now(now, utc=utc)}, header)

    def again(self, header: Header, first: int, lacking: list[int]) -> bytes:
        """8003: ask for packets that did not come."""
        return self.message(0x8003, {"answered": first, "packets": lacking}, header)

    def refused(self, header: Header | None, fault: FrameFault) -> bytes:
        """Return the answer to a frame with a fault; none where its header cannot be trusted."""
        header = header or _known_of(fault.header)
        if header is None or header.message == 0x0001:
            return b""
        result = _RESULTS.get(fault.reason, WRONG)
        if header.message != 0x0100:
            return self.general(header, result)
        code = _NO_TERMINAL if result == FAILED else _NO_VEHICLE
        return self.message(0x8100, {"answered": header.serial, "result": code}, header)


def _known_of(said: Mapping[str, Any]) -> Header | None:
    """Return the header of a frame whose length is wrong, as far as it can be answered."""
    phone = str(said.get("phone", ""))
    if not phone.isdecimal() or "serial" not in said:
        return None
    version = 1 if said["year"] == 2019 else 0
    return Header(int(said["message"], 16), phone, said["serial"], said["year"], version)
