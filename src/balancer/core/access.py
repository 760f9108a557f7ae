"""Telling who makes a request, and giving out and taking back the keys that say it."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from balancer.core.configs import check_text
from balancer.core.errors import InvalidInput, StoreUnavailable, Unauthenticated
from balancer.core.keys import KEY_BYTES, KEY_PREFIX, MAX_KEY_NAME, ApiKey, Identity, Role, digest_of
from balancer.core.limits import Limiter
from balancer.core.ports import ApiKeys, Clock, IdentityTokens
from balancer.core.revisions import Signature

Entropy = Callable[[int], bytes]
"""Gives so many random bytes, fit for secrets."""

Stopwatch = Callable[[], float]
"""Gives seconds that never run backwards."""

USE_INTERVAL = timedelta(minutes=1)
"""How exactly the last use of a key is known; noting each would write for every reading."""

FIRST_KEY = 1
"""The id of the key that a first start makes."""


class Authenticator:
    """Tells by the credentials of a request who makes it.

    A key is looked up for each request, so a revoked one is dead at once.

    Args:
        keys: The API keys.
        tokens: The identity provider's tokens, None when there is no provider.
        failures: Limits how often an address may fail, None for no limit.
        clock: For expiry.
        stopwatch: For the limit.
    """

    def __init__(
        self, keys: ApiKeys, tokens: IdentityTokens | None, failures: Limiter | None, clock: Clock, stopwatch: Stopwatch
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._failures = failures
        self._clock = clock
        self._stopwatch = stopwatch

    async def identify(self, authorization: str | None, client: str) -> Identity:
        """Return who makes a request.

        Args:
            authorization: The header field, `Bearer …`; None when it is missing.
            client: Whose failures are counted together.

        Raises:
            Unauthenticated: When that cannot be told.
            RateLimited: When this client has failed too often.
            StoreUnavailable: When the keys cannot be read.
        """
        if authorization is None:
            raise Unauthenticated("This needs a header 'Authorization: Bearer <key>'.", tried=False)
        if self._failures:
            self._failures.check(client, self._stopwatch())
        try:
            return await self._identify(authorization)
        except Unauthenticated:
            if self._failures:
                self._failures.spend(client, self._stopwatch())
            raise

    async def _identify(self, authorization: str) -> Identity:
        # RFC 9110 §11.1: the scheme's name has no case.
        scheme, _, credentials = authorization.strip().partition(" ")
        secret = credentials.strip()
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("The header 'Authorization' must be 'Bearer <key>'.", tried=True)
        # RFC 7519 §3: a signed token is three parts joined by dots, and a key of ours has no dot.
        if self._tokens and secret.count(".") == 2 and not secret.startswith(KEY_PREFIX):  # noqa: PLR2004  # see above
            return await self._tokens.identify(secret)
        digest, now = digest_of(secret), self._clock()
        key = await self._keys.find(digest)
        if key is None or not hmac.compare_digest(key.digest, digest) or not key.works_at(now):
            raise Unauthenticated("The key is not known, has expired, or is revoked.", tried=True)
        if key.last_used_at is None or now - key.last_used_at >= USE_INTERVAL:
            with suppress(StoreUnavailable):
                await self._keys.use(key.id, now)
        return Identity(key.actor, key.role)


class KeyRing:
    """Gives out API keys.

    Args:
        keys: Where their digests are kept.
        entropy: Where their secrets come from.
        clock: Dates them.
    """

    def __init__(self, keys: ApiKeys, entropy: Entropy, clock: Clock) -> None:
        self._keys = keys
        self._entropy = entropy
        self._clock = clock

    async def create(
        self, name: str, role: Role, expires_at: datetime | None, signature: Signature
    ) -> tuple[ApiKey, str]:
        """Make a key; its secret, `vbk_…`, is returned here and never again.

        Raises:
            InvalidInput: When the name is not one line of text, or the key would be expired from the beginning.
            StoreUnavailable: When it could not be recorded.
        """
        check_text("name", name, MAX_KEY_NAME)
        if expires_at is not None and expires_at <= signature.at:
            raise InvalidInput("expires_at", "must be in the future")
        secret = self._secret()
        key = ApiKey(0, name, role, digest_of(secret), signature.at, signature.actor, expires_at)
        return await self._keys.create(key), secret

    async def create_first(self, given: str | None, signature: Signature) -> str | None:
        """Make an admin's key unless there ever was a key.

        Args:
            given: The secret that the operator wants it to have.
            signature: Signs it.

        Returns:
            The secret of the new key, None when there was one already or the operator knows it.
        """
        secret = given or self._secret()
        key = ApiKey(FIRST_KEY, "first", Role.ADMIN, digest_of(secret), signature.at, signature.actor)
        made = await self._keys.create_first(key)
        return secret if made and not given else None

    def _secret(self) -> str:
        return KEY_PREFIX + urlsafe_b64encode(self._entropy(KEY_BYTES)).decode().rstrip("=")
