"""Tokens of an identity provider."""

import hmac
import json
import warnings
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from balancer.adapters.identity import provider_keys
from balancer.adapters.identity.tokens import JwtTokens
from balancer.core.access.keys import Identity, Role
from balancer.core.errors import StoreUnavailable, Unauthenticated
from tests.unit.tokens import AUDIENCE, ISSUER, Provider

pytestmark = pytest.mark.anyio

ROLES = {"video-ops": Role.OPERATOR, "video-admins": Role.ADMIN, "viewer": Role.VIEWER}
NOW = datetime.now(UTC)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """Return a provider with one key."""
    return Provider(tmp_path / "jwks.json", "one")


def checker(provider: Provider, role_claim: str = "role") -> JwtTokens:
    """Return what checks this provider's tokens."""
    return JwtTokens(ISSUER, AUDIENCE, str(provider.path), role_claim, ROLES)


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("role", {"role": "viewer"}, Role.VIEWER),
        ("role", {"role": "video-admins"}, Role.ADMIN),
        ("role", {"role": ["viewer", "video-ops", 5, "unknown"]}, Role.OPERATOR),
        ("realm_access.roles", {"realm_access": {"roles": ["video-ops"]}}, Role.OPERATOR),
        ("realm_access.roles", {"realm_access": "video-ops"}, None),
        ("role", {"role": "admin"}, None),
        ("role", {"role": {"a": 1}}, None),
        ("role", {}, None),
    ],
)
async def test_roles(provider: Provider, claim: str, claims: dict[str, Any], role: Role | None) -> None:
    """The role is the highest of those that the claim's values stand for, none where they stand for nothing."""
    token = provider.token(**claims, aud=["other", AUDIENCE])
    assert Identity("token:alice", role) == await checker(provider, claim).identify(token)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": NOW - timedelta(seconds=1)}, id="expired"),
        pytest.param({"nbf": NOW + timedelta(days=1)}, id="not yet valid"),
        pytest.param({"aud": "other"}, id="wrong audience"),
        pytest.param({"iss": "https://other.example/"}, id="wrong issuer"),
        pytest.param({"exp": None}, id="without expiry"),
        pytest.param({"aud": None}, id="without audience"),
        pytest.param({"iss": None}, id="without issuer"),
        pytest.param({"sub": None}, id="without subject"),
        pytest.param({"sub": 7}, id="subject no string"),
        pytest.param({"sub": ""}, id="subject empty"),
        pytest.param({"sub": "alice\nroot"}, id="subject of two lines"),
        pytest.param({"sub": "\x1b[31malice"}, id="subject that a terminal obeys"),
        pytest.param({"sub": "\u202ealice"}, id="subject that reads backwards"),
        pytest.param({"sub": "alice\ud800"}, id="subject with half a character"),
        pytest.param({"exp": [1]}, id="expiry of another type"),
        pytest.param({"exp": 1e400}, id="expiry without end"),
        pytest.param({"nbf": {"a": 1}}, id="beginning of another type"),
        pytest.param({"aud": {"a": 1}}, id="audience of another type"),
    ],
)
async def test_claims_that_are_not_accepted(provider: Provider, claims: dict[str, Any]) -> None:
    """A token must be of this issuer, for this program, for somebody, and valid now."""
    with pytest.raises(Unauthenticated):
        await checker(provider).identify(provider.token(role="viewer", **claims))


def unsigned(claims: dict[str, Any], header: dict[str, str]) -> str:
    """Return the first two parts of a token, as an attacker would make them."""
    exp = int(claims["exp"].timestamp())
    parts = (json.dumps(part).encode() for part in (header, {**claims, "exp": exp}))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def with_hmac(token: str, secret: str) -> str:
    """Sign a token by what everybody can read, as if it were a secret."""
    signature = hmac.digest(secret.encode(), token.encode(), "sha256")
    return f"{token}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_signatures_that_are_not_accepted(provider: Provider, tmp_path: Path) -> None:
    """A token without a signature, signed by a stranger, or by the public key as if that were a secret, is refused."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + timedelta(days=1), "role": "video-admins"}
    public = provider.path.read_text()
    good = provider.token(role="viewer")
    head, body, signature = good.split(".")
    forged = jwt.encode(claims, "x" * 32).split(".")[1]
    for token in (
        unsigned(claims, {"alg": "none", "kid": "one"}) + ".",
        with_hmac(unsigned(claims, {"alg": "HS256", "kid": "one"}), public),
        jwt.encode(claims, "x" * 32, algorithm="HS256"),
        Provider(tmp_path / "other.json", "one").token(),
        Provider(tmp_path / "other.json", "two").token(),
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "a.b.c",
        "..",
    ):
        with pytest.raises(Unauthenticated):
            await checker(provider).identify(token)
    assert await checker(provider).identify(good)


async def test_secrets_in_the_key_set_are_not_used(provider: Provider) -> None:
    """A symmetric key in the set signs nothing."""
    secret = {"kty": "oct", "kid": "s", "k": urlsafe_b64encode(b"s" * 33).decode()}
    provider.path.write_text(json.dumps({"keys": [secret]}))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + timedelta(days=1)}
    token = jwt.encode(claims, b"s" * 33, algorithm="HS256", headers={"kid": "s"})
    with pytest.raises(Unauthenticated):
        await checker(provider).identify(token)


async def test_rotation(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key is found when a token names it, but not again and again; a key that is gone is forgotten in time."""
    now = 1000.0
    monkeypatch.setattr(provider_keys, "monotonic", lambda: now)
    check = checker(provider)
    old = provider.token()
    await check.identify(old)
    provider.rotate("one", "two")
    new = provider.token(key="two")
    with pytest.raises(Unauthenticated, match="not known"):
        await check.identify(new)
    now += provider_keys.KEYS_INTERVAL + 1
    await check.identify(new)
    provider.rotate("two")
    await check.identify(old)
    now += provider_keys.KEYS_LIFETIME + 1
    # A key that is known waits for nothing; by it the keys are read again.
    await check.identify(old)
    await check.ping()
    with pytest.raises(Unauthenticated):
        await check.identify(old)
    await check.identify(new)


async def test_the_provider_is_a_dependency(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked at most every ten seconds whether it is there, and by that for its keys as well."""
    now = 1_000.0
    monkeypatch.setattr(provider_keys, "monotonic", lambda: now)
    check = checker(provider)
    await check.ping()
    provider.path.unlink()
    await check.ping()
    assert "token:alice" == (await check.identify(provider.token(role="viewer"))).actor
    now += 10.5
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            await check.ping()
        assert ("identity provider", check.name) == (caught.value.store, caught.value.store)
    assert "token:alice" == (await check.identify(provider.token(role="viewer"))).actor


async def test_provider_away(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any keys nobody can be told; keys that were read once go on while the provider is away."""
    now = 1000.0
    monkeypatch.setattr(provider_keys, "monotonic", lambda: now)
    check, token, keys = checker(provider), provider.token(), provider.path.read_text()
    for broken in ("", "[]", "{}", '{"keys": []}', '{"keys": [{}]}', '{"keys": 5}'):
        provider.path.write_text(broken)
        with pytest.raises((StoreUnavailable, Unauthenticated)):
            await checker(provider).identify(token)
    provider.path.write_text(keys)
    await check.identify(token)
    provider.path.unlink()
    now += provider_keys.KEYS_LIFETIME + 1
    await check.identify(token)


@pytest.mark.parametrize(
    "header",
    [{"kid": []}, {"kid": 7}, {"kid": None}, {"kid": {}}, {"alg": []}, {"alg": None}, {"crit": ["x"]}, {"b64": False}],
    ids=str,
)
async def test_odd_headers(provider: Provider, header: dict[str, Any]) -> None:
    """A token with a header of another shape is refused like any wrong one."""
    claims = {"sub": "alice", "exp": NOW + timedelta(days=1)}
    odd = unsigned(claims, {"alg": "ES256", "kid": "one", **header})
    with pytest.raises(Unauthenticated):
        await checker(provider).identify(f"{odd}.{provider.token().rpartition('.')[2]}")


async def test_bottomless_headers(provider: Provider) -> None:
    """JSON that is nested without end is refused like any wrong token."""
    deep = urlsafe_b64encode(b"[" * 12_000).decode().rstrip("=")
    for token in (f"{deep}.e30.e30", f"e30.{deep}.e30"):
        with pytest.raises(Unauthenticated):
            await checker(provider).identify(token)


@pytest.mark.parametrize(
    "odd",
    [
        {"use": []}, {"use": 7}, {"use": {"a": 1}}, {"kid": []}, {"kid": 7}, {"kid": {"a": 1}}, {"kty": []}, {"kty": 7},
        {"alg": ["ES256"]}, {"alg": {"a": 1}}, {"crv": []}, {"x": 7}, {"x": None}, {"use": "enc"},
    ],
    ids=str,
)  # fmt: skip
async def test_odd_keys(provider: Provider, odd: dict[str, Any]) -> None:
    """A key of another shape is passed over, and the others of its set are taken."""
    good = json.loads(provider.path.read_text())["keys"][0]
    provider.path.write_text(json.dumps({"keys": [{**good, "kid": "odd", **odd}, None, [], good]}))
    assert "token:alice" == (await checker(provider).identify(provider.token())).actor
    provider.path.write_text(json.dumps({"keys": [{**good, **odd}]}))
    with pytest.raises((StoreUnavailable, Unauthenticated)):
        await checker(provider).identify(provider.token())


@pytest.mark.parametrize(("bits", "is_accepted"), [(1024, False), (2047, False), (2048, True)])
async def test_short_rsa_keys(provider: Provider, bits: int, is_accepted: bool) -> None:
    """A token by an RSA key below 2048 bits, which may be forged, is not accepted (RFC 7518 section 3.3)."""
    key = rsa.generate_private_key(65537, bits)
    public = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "rsa"}
    other = json.loads(provider.path.read_text())["keys"]
    provider.path.write_text(json.dumps({"keys": [public, *other]}))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + timedelta(days=1)}
    with warnings.catch_warnings():
        # The library warns of short keys as well.
        warnings.simplefilter("ignore")
        token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "rsa"})
    if is_accepted:
        assert await checker(provider).identify(token)
    else:
        with pytest.raises(Unauthenticated):
            await checker(provider).identify(token)
