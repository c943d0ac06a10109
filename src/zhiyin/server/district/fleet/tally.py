"""What a fleet has said, counted so that it can be held against what the brain has."""

from collections import Counter

import msgspec


class FleetTally(msgspec.Struct):
    """Counts of one run.

    A report is one sample of one device; it is `confirmed` once, however often it was sent.
    Every transmission but the first of a report is `again`, so at the end sent = confirmed + again
    + unconfirmed. Every corrupt one, always a first, has to be one frame in quarantine. `proven`
    are those of the corrupt ones after which the same connection was answered: what a gateway
    confirms it has kept, with all that came before.
    """

    devices: int = 0
    sent: int = 0
    confirmed: int = 0
    values: int = 0  # in confirmed reports
    again: int = 0  # transmissions of a report that had been sent before
    refused: int = 0  # good transmissions that were refused
    unconfirmed: int = 0  # reports on the way at the end
    connections: int = 0  # opened
    lost: int = 0  # ended by the other side
    silences: int = 0  # times that no confirmation came in time
    corrupt: dict[str, int] = msgspec.field(default_factory=Counter)  # "protocol.way" → count
    proven: dict[str, int] = msgspec.field(default_factory=Counter)
    by: dict[str, int] = msgspec.field(default_factory=Counter)  # confirmed reports by protocol
