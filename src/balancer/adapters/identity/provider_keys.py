"""The keys of an identity provider, a JSON Web Key Set (RFC 7517): read beside the requests, whatever it sends."""

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from balancer.core.errors import StoreUnavailable

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that are accepted: those by which a public key cannot sign (RFC 8725 §3.1)."""

MIN_RSA_BITS = 2048
"""Bits of the shortest RSA key that is accepted (RFC 7518 §3.3)."""

KEYS_LIFETIME = 300.0
"""Seconds after which the provider's keys are read again."""

KEYS_INTERVAL = 10.0
"""Seconds that must lie between two readings for the sake of a key that is not known."""

TIMEOUT = 3.0
"""Seconds that the provider may take to send its keys, from the first to the last byte."""

MAX_SIZE = 256 * 1024
"""Bytes of its keys; those of the large providers have a tenth of that."""

STORE = "identity provider"
"""What the provider is called among the stores."""


class ProviderKeys:
    """The keys that a provider signs by, as it last showed them.

    One reading is under way at a time. A token whose key is known waits for none of them.

    Args:
        place: Where the keys are: a path, or a URL.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        # What was wrong with the last reading.
        self._fault: Exception | None = None
        self._reading: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def find(self, name: str | None) -> jwt.PyJWK | None:
        """Return the key of a name, None when there is none; no name stands for the only key.

        Raises:
            StoreUnavailable: When the provider has not shown any keys yet.
        """
        found = self._known(name)
        # A key that is not known may be a new one (the provider has rotated), or an invention.
        if found is None or self._read_at is None or monotonic() - self._read_at > KEYS_LIFETIME:
            self._begin()
        if found is None:
            await self._wait()
            found = self._known(name)
        if self._read_at is None:
            raise StoreUnavailable(STORE) from self._fault
        return found

    async def check(self) -> None:
        """See that the provider shows its keys; it is asked no oftener than for keys that are not known.

        Raises:
            StoreUnavailable: When it does not.
        """
        self._begin()
        await self._wait()
        if self._fault:
            raise StoreUnavailable(STORE) from self._fault

    def _known(self, name: str | None) -> jwt.PyJWK | None:
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    def _begin(self) -> None:
        """Begin to read the keys, unless somebody does or has just done so."""
        now = monotonic()
        if self._reading is None and (self._tried_at is None or now - self._tried_at > KEYS_INTERVAL):
            self._tried_at = now
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _wait(self) -> None:
        if self._reading is not None:
            # Whoever waits may leave; the others go on waiting.
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                data = await self._fetch()
            self._keys = _usable_keys(json.loads(data))
            self._read_at, self._fault = monotonic(), None
        except Exception as error:  # whatever the provider sends, the keys that are known go on
            self._fault = error
        finally:
            self._reading = None
            self._read_again_later()

    def _read_again_later(self) -> None:
        """Read the keys in time also where nobody asks for them, so that one that is gone is soon forgotten."""
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(KEYS_LIFETIME, self._begin)

    async def _fetch(self) -> bytes:
        if not self._place.startswith(("http://", "https://")):
            return await asyncio.to_thread(_read_file, self._place)
        data = bytearray()
        # Without an encoding, a few bytes cannot become a great many.
        fields = {"accept": "application/json", "accept-encoding": "identity"}
        async with (
            httpx.AsyncClient(timeout=TIMEOUT) as client,
            client.stream("GET", self._place, headers=fields) as answer,
        ):
            answer.raise_for_status()
            async for piece in answer.aiter_raw():
                data += piece
                _check_size(len(data))
        return bytes(data)


def _read_file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        data = file.read(MAX_SIZE + 1)
    _check_size(len(data))
    return data


def _check_size(size: int) -> None:
    if size > MAX_SIZE:
        raise ValueError(f"the key set is longer than {MAX_SIZE} bytes")


def _usable_keys(document: Any) -> dict[str | None, jwt.PyJWK]:
    """Return the keys of a set by their names, without those that are for something else, weak or odd.

    Raises:
        ValueError: When there are none.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the answer is not a key set")  # noqa: TRY004 - what was sent is wrong, not what was called
    found = {key.key_id: key for key in map(_usable_key, entries) if key is not None}
    if not found:
        raise ValueError("the key set has no key that can be used")
    return found


def _usable_key(entry: Any) -> jwt.PyJWK | None:
    # RFC 7517 §4.2 and §4.5.
    if not isinstance(entry, dict) or entry.get("use") not in (None, "sig"):
        return None
    if not isinstance(entry.get("kid"), str | None):
        return None
    try:
        key = jwt.PyJWK(entry)
    except Exception:  # the library stumbles over odd types in ways of its own
        return None
    if key.algorithm_name not in ALGORITHMS:
        return None
    if isinstance(key.key, RSAPublicKey | RSAPrivateKey) and key.key.key_size < MIN_RSA_BITS:
        return None
    return key
