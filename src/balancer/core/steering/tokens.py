"""The state of a session, carried by the session itself: a signed token in the URL that it asks next.

So no process keeps a table of sessions, and each can answer any of them. A token is trusted for nothing but the place
of the session that sends it; one that does not verify is no error, but a new session.
"""

import base64
import hmac
import struct
from hashlib import blake2b
from typing import NamedTuple

VERSION = 1
"""The layout of a token. Another one is a new session to a process that does not know it."""

KEY_SIZE = 32
"""Bytes of the key that signs tokens."""

MAX_TOKEN = 1024
"""Characters of the longest token: that of a config with 64 targets has 820."""

# Version, config, time, slot of the key, position, place of the target among the shares.
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"===", b"==", b"=")
_HEAD = struct.Struct(">BIIHIB")
_SHARE = struct.Struct(">If")
_SIGNATURE = 8
_POSITIONS = 2**32


class Session(NamedTuple):
    """A session, as its token tells it.

    Attributes:
        config_id: By whose policy it is steered.
        begun: When its manifest or first answer was made, in Unix seconds.
        slot: Of its key, under the policy `sticky`.
        target: Where it is.
        position: Among the sessions there, from 0 to below 1.
        shares: The shares by which it is there, as `packed_shares` makes them.
    """

    config_id: int
    begun: int
    slot: int
    target: int
    position: float
    shares: bytes


def key_of(secret: str) -> bytes:
    """Return the key that an operator's secret stands for."""
    return blake2b(secret.encode(), person=b"steering", digest_size=KEY_SIZE).digest()


def packed_shares(shares: dict[int, float]) -> bytes:
    """Return shares by target as a token carries them; in single precision, so that they compare as they were sent."""
    return b"".join(_SHARE.pack(target, share) for target, share in shares.items())


def shares_of(packed: bytes) -> dict[int, float]:
    """Return shares by target from what a token carries."""
    return dict(_SHARE.iter_unpack(packed))


class Tokens:
    """Writes and reads tokens.

    Args:
        key: Signs them, `KEY_SIZE` bytes: the same in all processes whose sessions are to be each other's.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=_SIGNATURE)

    def write(self, session: Session) -> bytes:
        """Return the token of a session; it can stand in a query as it is."""
        targets = [target for target, _ in _SHARE.iter_unpack(session.shares)]
        position = min(int(session.position * _POSITIONS), _POSITIONS - 1)
        place = targets.index(session.target)
        begun = session.begun & 0xFFFFFFFF
        head = _HEAD.pack(VERSION, session.config_id, begun, session.slot, position, place)
        signed = head + session.shares
        return base64.urlsafe_b64encode(signed + self._sign(signed)).rstrip(b"=")

    def read(self, token: bytes) -> Session | None:
        """Return the session of a token, None for anything but a token that was signed with the key."""
        if not token or len(token) > MAX_TOKEN:
            return None
        try:
            # What is not in the alphabet is skipped by the decoder, and then the signature does not fit.
            data = base64.b64decode(token.translate(_STANDARD) + _PADDING[len(token) % 4])
        except ValueError:
            return None
        signed, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
        if not hmac.compare_digest(self._sign(signed), signature) or signed[0] != VERSION:
            return None
        _, config_id, begun, slot, position, place = _HEAD.unpack_from(signed)
        shares = signed[_HEAD.size :]
        target, _ = _SHARE.unpack_from(shares, place * _SHARE.size)
        return Session(config_id, begun, slot, target, position / _POSITIONS, shares)

    def _sign(self, data: bytes) -> bytes:
        # The key is hashed once for all tokens.
        signature = self._keyed.copy()
        signature.update(data)
        return signature.digest()
