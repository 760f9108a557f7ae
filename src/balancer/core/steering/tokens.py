"""The state of a session, carried by the session itself: a signed token in the URL that it asks next.

So no process keeps a table of sessions, and each can answer any of them. A token is trusted for nothing but the place
of the session that sends it; one that does not verify is no error, but a new session.
"""

import base64
import hmac
import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

VERSION = 1
"""The layout of a token. Another one is a new session to a process that does not know it."""

KEY_SIZE = 32
"""Bytes of the key that signs tokens."""

MAX_TOKEN = 1024
"""Characters of the longest token: that of a config with 64 targets has 716."""

ELSEWHERE = -1
"""Names no target."""

MAX_SHARES = 256
"""Shares whose places are remembered: tokens are written by those of the plan in force."""

# Version, config, time, slot of the key, position, places among the shares of its target and of the one it was told.
_STANDARD = bytes.maketrans(b"-_", b"+/")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"===", b"==", b"=")
_HEAD = struct.Struct(">BIIHIBB")
_SHARE = struct.Struct(">If")
_SIGNATURE = 8
_POSITIONS = 2**32
_ELSEWHERE = 255


class Session(NamedTuple):
    """A session, as its token tells it.

    Attributes:
        config_id: By whose policy it is steered.
        begun: When its manifest or first answer was made, in Unix seconds.
        slot: Of its key, under the policy `sticky`.
        target: Where it is.
        position: Among the sessions there, from 0 to below 1.
        shares: The shares by which it is there, as `packed_shares` makes them.
        told: The target that the last answer named first, which the session may have still to leave; a token knows it
            only if it has a share, else it is `ELSEWHERE`.
    """

    config_id: int
    begun: int
    slot: int
    target: int
    position: float
    shares: bytes
    told: int


def key_of(secret: str) -> bytes:
    """Return the key that an operator's secret stands for."""
    return blake2b(secret.encode(), person=b"steering", digest_size=KEY_SIZE).digest()


def packed_shares(shares: dict[int, float]) -> bytes:
    """Return shares by target as a token carries them; in single precision, so that they compare as they were sent."""
    return b"".join(_SHARE.pack(target, share) for target, share in shares.items())


def shares_of(packed: bytes) -> dict[int, float]:
    """Return shares by target from what a token carries."""
    return dict(_SHARE.iter_unpack(packed))


@lru_cache(MAX_SHARES)
def places_of(packed: bytes) -> dict[int, int]:
    """Return by target its place among shares that a token carries."""
    return {target: place for place, (target, _) in enumerate(_SHARE.iter_unpack(packed))}


def place_of(target: int, places: Mapping[int, int]) -> int:
    """Return the place of a target as a token has it, also where it is not among the shares."""
    return places.get(target, _ELSEWHERE)


class Tokens:
    """Writes and reads tokens.

    Args:
        key: Signs them, `KEY_SIZE` bytes: the same in all processes whose sessions are to be each other's.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=_SIGNATURE)

    def write(self, session: Session) -> bytes:
        """Return the token of a session; it can stand in a query as it is."""
        config_id, begun, slot, target, position, shares, told = session
        places = places_of(shares)
        return self.seal(config_id, begun, slot, position, places[target], place_of(told, places), shares)

    def seal(  # noqa: PLR0913, PLR0917  a token has as many parts, and a call for each new session sets none by name
        self, config_id: int, begun: int, slot: int, position: float, at: int, told: int, shares: bytes
    ) -> bytes:
        """Return the token of a session by its parts: as `Session` has them, but by places among the shares.

        Args:
            config_id: See `Session`.
            begun: See there.
            slot: See there.
            position: See there.
            at: The place of its target.
            told: That of the target that it was told, by `place_of`.
            shares: See there.
        """
        signed = _HEAD.pack(VERSION, config_id, begun & 0xFFFFFFFF, slot, int(position * _POSITIONS), at, told) + shares
        signature = self._keyed.copy()
        signature.update(signed)
        return base64.b64encode(signed + signature.digest()).translate(_URL_SAFE).rstrip(b"=")

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
        _, config_id, begun, slot, position, at, last = _HEAD.unpack_from(signed)
        shares = signed[_HEAD.size :]
        target, _ = _SHARE.unpack_from(shares, at * _SHARE.size)
        told = target
        if last != at:
            told = ELSEWHERE if last == _ELSEWHERE else _SHARE.unpack_from(shares, last * _SHARE.size)[0]
        return Session(config_id, begun, slot, target, position / _POSITIONS, shares, told)

    def _sign(self, data: bytes) -> bytes:
        # The key is hashed once for all tokens.
        signature = self._keyed.copy()
        signature.update(data)
        return signature.digest()
