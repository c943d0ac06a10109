"""What the receiver takes, at most; all of it can be set."""

from msgspec import Struct

from zhiyin.kernel import MINUTE


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one request and of what is remembered between requests."""

    server: str = "42010500002000000001"  # our own 20-digit id (VIIDServerID); type 200: server
    realm: str = "zhiyin"
    people: bool = False  # whether faces and persons are taken at all; never their pictures
    body: int = 16 * 1024 * 1024  # bytes of a request
    objects: int = 100  # of a request
    depth: int = 16  # of its JSON
    picture: int = 4 * 1024 * 1024  # bytes of one picture, decoded
    cameras: int = 100_000  # places that are remembered
    registered: int = 10_000  # senders that are remembered
    nonces: int = 10_000  # nonces whose count of uses is remembered
    nonce_life: int = 5 * MINUTE  # ms
    silence: int = 10 * MINUTE  # ms without a word after which a sender has to register again
    tries: int = 20  # wrong keys of one host in `nonce_life`; then it is refused without a look
