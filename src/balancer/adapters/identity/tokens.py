"""Tokens of an identity provider, checked by PyJWT against the provider's keys."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import jwt
from jwt.exceptions import PyJWTError
from typing_extensions import override

from balancer.adapters.identity.provider_keys import ALGORITHMS, STORE, ProviderKeys
from balancer.core.access.keys import Identity, Role
from balancer.core.access.ports import IdentityTokens
from balancer.core.configs.revisions import MAX_ACTOR
from balancer.core.errors import BalancerError, Unauthenticated
from balancer.core.health.ports import Dependency

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

    name = STORE
    interval = 10.0
    fallback = "tokens signed by keys that are known already are accepted, and API keys always"

    def __init__(self, issuer: str, audience: str, jwks: str, role_claim: str, roles: Mapping[str, Role]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = ProviderKeys(jwks)
        self._role_claim = role_claim.split(".")
        self._roles = roles

    @override
    async def identify(self, token: str) -> Identity:
        key = await self._keys.find(_key_of(token))
        if key is None:
            raise Unauthenticated("The token is signed by a key that is not known.", tried=True)
        with _reading():
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                options={"require": REQUIRED},
            )
            return Identity(f"token:{_subject(claims)}"[:MAX_ACTOR], self._role(claims))

    @override
    async def ping(self) -> None:
        await self._keys.check()

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        value: Any = claims
        for name in self._role_claim:
            value = value.get(name) if isinstance(value, Mapping) else None
        values = value if isinstance(value, list) else [value]
        found = [self._roles[one] for one in values if isinstance(one, str) and one in self._roles]
        return max(found, default=None)


@contextmanager
def _reading() -> Generator[None, None, None]:
    """Turn whatever a token makes its reader say into one error; it is a stranger's until it is proven."""
    try:
        yield
    except BalancerError:
        raise
    except PyJWTError as error:
        raise Unauthenticated(f"The token is not valid: {error}.", tried=True) from None
    except Exception:  # the library stumbles over odd types in ways of its own
        raise Unauthenticated("The token is not valid.", tried=True) from None


def _key_of(token: str) -> str | None:
    """Return which key a token says that it is signed by.

    Raises:
        Unauthenticated: When it is no token, or one that is signed in a way that is not accepted.
    """
    with _reading():
        header = jwt.get_unverified_header(token)
        name = header.get("kid")
        if header.get("alg") not in ALGORITHMS or not isinstance(name, str | None):
            raise Unauthenticated("The token is not signed in a way that is accepted.", tried=True)
        return name


def _subject(claims: Mapping[str, Any]) -> str:
    """Return whom a token is about, in the form in which histories and logs have it.

    Raises:
        Unauthenticated: When it has control characters, lone surrogates or the like, which they could not show.
    """
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        raise Unauthenticated("The token's subject is not one line of printable characters.", tried=True)
    return subject
