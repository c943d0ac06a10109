"""SM4 of HJ 212-2025: ECB over whole 16-byte blocks of the CP text, the remainder stays plain."""

from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


@lru_cache(maxsize=4096)
def _cipher(key: str) -> Cipher[modes.ECB]:
    """Return the cipher of a key of 32 hex digits; ValueError for anything else."""
    # The standard demands ECB; the choice is not ours.
    return Cipher(algorithms.SM4(bytes.fromhex(key)), modes.ECB())  # noqa: S305


def encrypted(plain: bytes, key: str) -> bytes:
    cut = len(plain) - len(plain) % BLOCK
    return _cipher(key).encryptor().update(plain[:cut]) + plain[cut:]


def decrypted(secret: bytes, key: str) -> bytes:
    cut = len(secret) - len(secret) % BLOCK
    return _cipher(key).decryptor().update(secret[:cut]) + secret[cut:]
