"""An identity provider that signs tokens and shows its keys in a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm

ISSUER = "https://idp.example/"
AUDIENCE = "video-balancer"


class Provider:
    """A provider.

    Args:
        path: Where it shows its keys.
        names: Names of the keys that it has.
    """

    def __init__(self, path: Path, *names: str) -> None:
        self.path = path
        self.keys: dict[str, EllipticCurvePrivateKey] = {}
        self.rotate(*names)

    def rotate(self, *names: str) -> None:
        """Have keys of these names, new ones but for those that it has."""
        self.keys = {name: self.keys.get(name) or generate_private_key(SECP256R1()) for name in names}
        self.path.write_text(json.dumps({"keys": [self._public(name) for name in names]}))

    def token(self, *, key: str | None = None, algorithm: str = "ES256", **claims: Any) -> str:
        """Return a token for alice that is valid for a minute, with other claims where they are given."""
        now = datetime.now(UTC)
        name = key or next(iter(self.keys))
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": now + timedelta(minutes=1), "iat": now}
        given = {claim: value for claim, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(given, self.keys[name], algorithm=algorithm, headers={"kid": name})

    def _public(self, name: str) -> dict[str, Any]:
        return {**ECAlgorithm.to_jwk(self.keys[name].public_key(), as_dict=True), "kid": name, "use": "sig"}
