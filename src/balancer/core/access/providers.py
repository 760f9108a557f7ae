"""How people sign in at an identity provider."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a browser needs to sign somebody in by authorization code with PKCE (RFC 7636). None of it is secret.

    Attributes:
        issuer: The provider's; its metadata are below it (OpenID Connect Discovery 1.0 §4).
        client_id: The console's at the provider.
        audience: Whom its tokens are to be for.
        scope: What they are to allow, separated by spaces.
        authorize_url: Where people are sent; None for what the metadata say.
        token_url: Where a code becomes a token; None as above.
    """

    issuer: str
    client_id: str
    audience: str
    scope: str
    authorize_url: str | None = None
    token_url: str | None = None
