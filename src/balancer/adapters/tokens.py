"""Tokens of an identity provider, checked by PyJWT against the provider's keys."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import jwt
from jwt.exceptions import PyJWTError
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.core.errors import StoreUnavailable, Unauthenticated
from balancer.core.keys import Identity, Role
from balancer.core.ports import Dependency, IdentityTokens
from balancer.core.revisions import MAX_ACTOR

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that are accepted: those by which a public key cannot sign (RFC 8725 §3.1)."""

KEYS_LIFETIME = 300.0
"""Seconds after which the provider's keys are read again."""

KEYS_INTERVAL = 10.0
"""Seconds that must lie between two readings for the sake of a key that is not known."""

TIMEOUT = 3.0
"""Seconds that the provider may take to send its keys."""

REQUIRED = ["exp", "iss", "aud", "sub"]


class JwtTokens(IdentityTokens, Dependency):
    """JSON Web Tokens (RFC 7519), signed by keys of a JSON Web Key Set (RFC 7517), and the provider of those keys.

    Args:
        issuer: The `iss` that tokens must have.
        audience: The `aud` that tokens must have, alone or among others.
        jwks: Where the keys are: a path, or a URL.
        role_claim: Where the role is, `role` or `realm_access.roles`; a string or a list of them.
        roles: Which role a value of that claim stands for.
    """

    name = "identity provider"
    fallback = "tokens signed by keys that are known already are accepted, and API keys always"

    def __init__(self, issuer: str, audience: str, jwks: str, role_claim: str, roles: Mapping[str, Role]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._jwks = jwks
        self._role_claim = role_claim.split(".")
        self._roles = roles
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._answers = False
        self._reading = asyncio.Lock()

    @override
    async def identify(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise Unauthenticated("The token is not signed in a way that is accepted.", tried=True)
            key = await self._key(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                options={"require": REQUIRED},
            )
        except PyJWTError as error:
            raise Unauthenticated(f"The token is not valid: {error}.", tried=True) from None
        return Identity(f"token:{claims['sub']}"[:MAX_ACTOR], self._role(claims))

    @override
    async def ping(self) -> None:
        # Asked no oftener than for keys that are not known, however often somebody looks at the process's health.
        async with self._reading:
            await self._try_to_read(monotonic())
        if not self._answers:
            raise StoreUnavailable(self.name)

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        value: Any = claims
        for name in self._role_claim:
            value = value.get(name) if isinstance(value, Mapping) else None
        values = value if isinstance(value, list) else [value]
        found = [self._roles[one] for one in values if isinstance(one, str) and one in self._roles]
        return max(found, default=None)

    async def _key(self, name: str | None) -> jwt.PyJWK:
        async with self._reading:
            now = monotonic()
            old = self._read_at is None or now - self._read_at > KEYS_LIFETIME
            # A key that is not known may be a new one (the provider has rotated), or an invention.
            if old or self._find(name) is None:
                await self._try_to_read(now)
        if self._read_at is None:
            raise StoreUnavailable(self.name)
        found = self._find(name)
        if found is None:
            raise Unauthenticated("The token is signed by a key that is not known.", tried=True)
        return found

    def _find(self, name: str | None) -> jwt.PyJWK | None:
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    async def _try_to_read(self, now: float) -> None:
        if self._tried_at is not None and now - self._tried_at <= KEYS_INTERVAL:
            return
        self._tried_at, self._answers = now, False
        try:
            with asking(self.name):
                found = jwt.PyJWKSet.from_dict(await self._read())
        except StoreUnavailable:
            if self._read_at is None:
                raise
            return  # The keys that are known go on until the provider answers again.
        self._keys = {key.key_id: key for key in found.keys if key.public_key_use in {None, "sig"}}
        self._read_at, self._answers = now, True

    async def _read(self) -> Any:
        if not self._jwks.startswith(("http://", "https://")):
            return json.loads(await asyncio.to_thread(Path(self._jwks).read_bytes))
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.get(self._jwks)
            answer.raise_for_status()
            return answer.json()
