"""A session's hash: enough to count a session once, and not to tell which it was."""

from hashlib import blake2b

HASH_BYTES = 8

DAY = 24 * 3600
"""Seconds for which a key counts."""


def key_of(secret: bytes, now: int) -> bytes:
    """Return the key of a day, which tells nothing of those of other days, nor of the secret.

    Args:
        secret: Up to 64 bytes; the same in all processes that count sessions together.
        now: Seconds since 1970.
    """
    return blake2b((now // DAY).to_bytes(8), key=secret, person=b"cmcd", digest_size=32).digest()


def session_hash(session: str, key: bytes) -> int:
    """Return 64 bits for a session's id, the same in every process that has the key.

    Args:
        session: As the player sent it.
        key: Up to 64 secret bytes. When it changes, a session that goes on counts as another one.
    """
    return int.from_bytes(blake2b(session.encode(errors="replace"), key=key, digest_size=HASH_BYTES).digest())
