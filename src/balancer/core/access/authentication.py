"""Telling who makes a request, and giving out and taking back the keys that say it."""

import hmac
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from balancer.core.access.keys import KEY_BYTES, KEY_PREFIX, MAX_KEY_NAME, ApiKey, Identity, Role, digest_of
from balancer.core.access.ports import ApiKeys, IdentityTokens
from balancer.core.clients.quotas import Throttle
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import check_text
from balancer.core.configs.revisions import Signature
from balancer.core.errors import InvalidInput, RateLimited, StoreUnavailable, Unauthenticated

Entropy = Callable[[int], bytes]
"""Gives so many random bytes, fit for secrets."""

USE_INTERVAL = timedelta(minutes=1)
"""How exactly the last use of a key is known; noting each would write for every reading."""

FIRST_KEY = 1
"""The id of the key that a first start makes."""


class Authenticator:
    """Tells by the credentials of a request who makes it.

    A key is looked up for each request, so a revoked one is dead at once.

    An attempt counts against the limit of its address while it is under way, so a thousand at once are no more than a
    thousand one after another; when it proves right, it has cost nothing. Whoever is over the limit cannot be turned
    away unheard, or somebody else at the same address could lock an admin out. So a key is then compared with the
    digests of all keys that work, which the store reads once a second at most: a wrong one is not looked up, however
    many there are, and a right one is as ever. Its 256 random bits are what keeps it from being guessed.

    Args:
        keys: The API keys.
        tokens: The identity provider's tokens, None when there is no provider.
        failures: Limits how often an address may fail, None for no limit.
        clock: For expiry.
        stopwatch: For the limit.
    """

    def __init__(
        self,
        keys: ApiKeys,
        tokens: IdentityTokens | None,
        failures: Throttle | None,
        clock: Clock,
        stopwatch: Stopwatch,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._failures = failures
        self._clock = clock
        self._stopwatch = stopwatch
        # By address, the attempts that are under way.
        self._trying: Counter[str] = Counter()

    async def identify(self, authorization: str | None, client: str) -> Identity:
        """Return who makes a request.

        Args:
            authorization: The header field, `Bearer …`; None when it is missing.
            client: Whose failures are counted together.

        Raises:
            Unauthenticated: When that cannot be told.
            RateLimited: When it cannot, and this client has failed too often.
            StoreUnavailable: When the keys cannot be read.
        """
        if authorization is None:
            raise Unauthenticated("This needs a header 'Authorization: Bearer <key>'.", tried=False)
        if not self._failures:
            return await self._identify(authorization)
        wait = self._failures.wait_behind(self._trying[client], client, self._stopwatch())
        if wait > 0:
            return await self._identify_over_limit(authorization, self._failures.refusal(wait))
        self._trying[client] += 1
        try:
            return await self._identify(authorization)
        except Unauthenticated:
            self._failures.spend(client, self._stopwatch())
            raise
        finally:
            self._trying[client] -= 1
            if not self._trying[client]:
                del self._trying[client]

    async def _identify_over_limit(self, authorization: str, refusal: RateLimited) -> Identity:
        """Return who makes a request, without asking the store about a key that cannot be right.

        Raises:
            RateLimited: The refusal, when that cannot be told.
            StoreUnavailable: When the keys cannot be read.
        """
        secret = _secret_in(authorization) or ""
        # A token is checked without asking anybody.
        if not self._is_token(secret) and digest_of(secret) not in await self._keys.working(self._clock()):
            raise refusal
        try:
            return await self._identify(authorization)
        except Unauthenticated:
            raise refusal from None

    def _is_token(self, secret: str) -> bool:
        # RFC 7519 §3: a signed token is three parts joined by dots, and a key of ours has no dot.
        return self._tokens is not None and secret.count(".") == 2 and not secret.startswith(KEY_PREFIX)  # noqa: PLR2004  # see above

    async def _identify(self, authorization: str) -> Identity:
        secret = _secret_in(authorization)
        if not secret:
            raise Unauthenticated("The header 'Authorization' must be 'Bearer <key>'.", tried=True)
        if self._tokens and self._is_token(secret):
            return await self._tokens.identify(secret)
        digest, now = digest_of(secret), self._clock()
        key = await self._keys.find(digest)
        if key is None or not hmac.compare_digest(key.digest, digest) or not key.works_at(now):
            raise Unauthenticated("The key is not known, has expired, or is revoked.", tried=True)
        if key.last_used_at is None or now - key.last_used_at >= USE_INTERVAL:
            with suppress(StoreUnavailable):
                await self._keys.use(key.id, now)
        return Identity(key.actor, key.role)


def _secret_in(authorization: str) -> str | None:
    """Return what a header field `Bearer …` carries, None when it is none."""
    # RFC 9110 §11.1: the scheme's name has no case.
    scheme, _, credentials = authorization.strip().partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def check_key(name: str, expires_at: datetime | None, now: datetime) -> None:
    """See that there can be such a key.

    Raises:
        InvalidInput: When the name is not one line of text, or the key would be expired from the beginning.
    """
    check_text("name", name, MAX_KEY_NAME)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("expires_at", "must be in the future")


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
        check_key(name, expires_at, signature.at)
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
