"""What the operator said: settings from the environment and from `.env`, all checked at once."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from typing_extensions import override

from balancer.core.access.keys import Role
from balancer.core.access.masking import Setting, SettingsInForce, shown
from balancer.core.access.providers import SignIn
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Quota
from balancer.core.configs.documents import MAX_DISTRIBUTION_RATE
from balancer.core.errors import InvalidInput
from balancer.core.steering.steering import LEAST_TTL, MOST_TTL
from balancer.core.urls.hosts import OriginHosts, parse_cdn_host
from balancer.idn import to_ascii
from balancer.store_urls import check_database_url, passwords_of_database, passwords_of_redis, read_redis_url

PREFIX = "BALANCER_"

# What RFC 6750 §2.1 allows in a bearer token.
_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{32,500}")
# What stands before the path in the URLs that players are given.
_PUBLIC_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?/?")

_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?(?:/[!#-:<-~]*+)?")


class WrongSettings(Exception):
    """Some settings cannot be used; the message has a line for each, with the name of its variable."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{name}: {fault}" for name, fault in faults))
        self.faults = faults


class Settings(BaseSettings):
    """All settings with their defaults; `.env.example` explains each."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        # A wrong value may be a URL with a password.
        hide_input_in_errors=True,
        frozen=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    unix_socket: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    plain_port: int | None = Field(default=None, ge=0, le=65535)
    hsts: int = Field(default=0, ge=0, le=10 * 365 * 24 * 3600)
    proxy_protocol: bool = False
    role: Literal["all", "edge", "admin"] = "all"
    workers: int = Field(default=1, ge=1, le=1024)
    worker_start_time: float = Field(default=60, ge=1, le=3600)
    worker_silence: float = Field(default=90, ge=1, le=7200)
    wait_for_config: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    access_log: Annotated[tuple[bool, float], NoDecode] = (False, 0.0)
    open_metrics: bool = True
    traced_redirects: float = Field(default=0.001, ge=0, le=1)

    fast_lane: bool = True
    head_size: int = Field(default=16 * 1024, ge=1024, le=1024 * 1024)
    head_time: float = Field(default=10, ge=0.1, le=3600)
    keep_alive: float = Field(default=65, ge=0.1, le=3600)
    connections: int = Field(default=10_000, ge=1)
    client_connections: int = Field(default=0, ge=0)
    shutdown_timeout: int = Field(default=30, ge=1, le=3600)

    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr | None = None
    redis_prefix: str = "balancer:"
    poll_interval: float = Field(default=0.5, ge=0.05, le=60)

    origin_hosts: Annotated[tuple[str, ...], NoDecode] = ("*.origin-cluster",)
    cdn_host: str = "cdn.example.com"
    distribution_rate: int = Field(default=10, ge=0, le=MAX_DISTRIBUTION_RATE)

    public_url: str | None = None
    steering_ttl: int = Field(default=30, ge=LEAST_TTL, le=MOST_TTL)
    manifests: bool = False
    cmcd: bool = False
    steering_key: SecretStr | None = None

    bootstrap_api_key: SecretStr | None = None
    open_docs: bool = True
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_jwks: str | None = None
    jwt_role_claim: str = "role"
    jwt_client_id: str | None = None
    jwt_scope: str = "openid"
    jwt_authorize_url: str | None = None
    jwt_token_url: str | None = None
    jwt_roles: Annotated[dict[str, Role], NoDecode] = Field(default_factory=lambda: {role.label: role for role in Role})

    player_rate: Annotated[Quota | None, NoDecode] = None
    admin_rate: Annotated[Quota | None, NoDecode] = Quota(50, 1, 100)
    login_rate: Annotated[Quota | None, NoDecode] = Quota(10, 60, 10)
    open_rate: Annotated[Quota | None, NoDecode] = Quota(20, 1, 100)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    geo_database: Annotated[tuple[Path, ...], NoDecode] = ()

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr) -> SecretStr:
        if value:
            check_database_url(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value:
            read_redis_url(value.get_secret_value())
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value and not _PUBLIC_URL.fullmatch(value):
            raise ValueError("must be the scheme and the host of a URL, such as https://video.example.com")
        return value.rstrip("/") if value else None

    @field_validator("bootstrap_api_key", "steering_key")
    @classmethod
    def _check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("must be at least 32 letters, digits or characters of -._~+/=")
        return value

    @field_validator("jwt_roles", mode="before")
    @classmethod
    def _read_jwt_roles(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {claim.strip(): Role.of(role.strip()) for claim, _, role in pairs}

    @field_validator("player_rate", "admin_rate", "login_rate", "open_rate", mode="before")
    @classmethod
    def _read_rate(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return None if value.strip().lower() == "off" else Quota.parse(value)

    @field_validator("access_log", mode="before")
    @classmethod
    def _read_access_log(cls, value: Any) -> Any:
        """Read which requests of players get a line: whether refused ones do, and which part of the redirects."""
        if not isinstance(value, str):
            return value
        known = {"off": (False, 0.0), "errors": (True, 0.0), "all": (True, 1.0)}
        chosen = value.strip().lower()
        kind, _, part = chosen.partition(":")
        if kind == "sample" and re.fullmatch(r"0?\.[0-9]{1,9}|[01](\.0*)?", part):
            return (True, float(part))
        if chosen not in known:
            raise ValueError("must be off, errors, all, or sample: with a part of 1 such as sample:0.01")
        return known[chosen]

    @field_validator("trusted_proxies")
    @classmethod
    def _check_trusted_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        TrustedProxies(value)
        return value

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        given = {name: bool(getattr(self, name)) for name in ("jwt_issuer", "jwt_audience", "jwt_jwks")}
        missing = [PREFIX + name.upper() for name, is_given in given.items() if not is_given]
        if missing and len(missing) < len(given):
            raise ValueError(f"{' and '.join(missing)} must be given as well where another of the provider's is")
        return self

    @field_validator("jwt_authorize_url", "jwt_token_url")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        # It stands in a header field, in the policy of the console.
        if value and not _ENDPOINT.fullmatch(value):
            raise ValueError("must be an absolute http or https URL, such as https://id.example.com/token")
        return value

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        if self.jwt_client_id and not self.jwt_issuer:
            raise ValueError("BALANCER_JWT_CLIENT_ID needs BALANCER_JWT_ISSUER")
        if self.jwt_client_id and not _ENDPOINT.fullmatch(self.jwt_issuer or ""):
            raise ValueError("BALANCER_JWT_CLIENT_ID needs a BALANCER_JWT_ISSUER that is an http or https URL")
        if (self.jwt_authorize_url is None) != (self.jwt_token_url is None):
            raise ValueError("BALANCER_JWT_AUTHORIZE_URL and BALANCER_JWT_TOKEN_URL must be given together")
        return self

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        if self.worker_silence <= self.worker_start_time:
            raise ValueError("BALANCER_WORKER_SILENCE must be longer than BALANCER_WORKER_START_TIME")
        return self

    @model_validator(mode="after")
    def _check_listening(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("BALANCER_TLS_CERT and BALANCER_TLS_KEY must be given together")
        if self.tls_cert is None and (self.plain_port is not None or self.hsts):
            raise ValueError("BALANCER_PLAIN_PORT and BALANCER_HSTS need BALANCER_TLS_CERT and BALANCER_TLS_KEY")
        if self.tls_cert and self.unix_socket:
            raise ValueError("BALANCER_UNIX_SOCKET is plain: it cannot be given together with BALANCER_TLS_CERT")
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("BALANCER_PROXY_PROTOCOL needs BALANCER_TRUSTED_PROXIES, as only those are believed")
        return self

    @field_validator("origin_hosts", "trusted_proxies", "geo_database", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("origin_hosts")
    @classmethod
    def _check_origin_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        OriginHosts(value, to_ascii)
        return value

    @field_validator("cdn_host")
    @classmethod
    def _check_cdn_host(cls, value: str) -> str:
        try:
            return parse_cdn_host(value, to_ascii)
        except InvalidInput as error:
            raise ValueError(error.fault) from None

    @property
    def sign_in(self) -> SignIn | None:
        """How people sign in at the console by the identity provider; None where they cannot."""
        if not (self.jwt_client_id and self.jwt_issuer and self.jwt_audience):
            return None
        urls = self.jwt_authorize_url, self.jwt_token_url
        return SignIn(self.jwt_issuer, self.jwt_client_id, self.jwt_audience, self.jwt_scope, *urls)

    @property
    def in_force(self) -> SettingsInForce:
        """All settings as they may be shown; what is secret is told by its type, and never read here."""
        return SettingsInForce(
            [self._shown(name, str(field.annotation)) for name, field in type(self).model_fields.items()]
        )

    def _shown(self, name: str, kind: str) -> Setting:
        value = getattr(self, name)
        # No quota is a quota that is off.
        text = "off" if value is None and "Quota" in kind else _as_variable(value)
        is_secret = isinstance(value, SecretStr) or "SecretStr" in kind
        return shown(PREFIX + name.upper(), text, is_secret=is_secret, is_default=name not in self.model_fields_set)

    @property
    def secrets(self) -> list[str]:
        """What must never be written anywhere: passwords, plain and escaped, and keys."""
        found = passwords_of_database(self.database_url.get_secret_value())
        if self.redis_url:
            found += passwords_of_redis(self.redis_url.get_secret_value())
        found += [key.get_secret_value() for key in (self.bootstrap_api_key, self.steering_key) if key]
        return found

    @override
    def model_post_init(self, _context: Any) -> None:
        """Put the embedded database into the data folder unless another one is named."""
        if not self.database_url.get_secret_value():
            url = f"sqlite:///{self.data_dir / 'balancer.db'}"
            object.__setattr__(self, "database_url", SecretStr(url))


def read_settings(**given: Any) -> Settings:
    """Read the settings; what is given here goes before the environment, and None counts as not given.

    Raises:
        WrongSettings: With every wrong value, by name.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise WrongSettings([(_variable(fault["loc"]), _sentence(fault["msg"])) for fault in error.errors()]) from None


def _as_variable(value: object) -> str:
    """Return a value as it would stand in a variable; of a secret only whether there is one."""
    match value:
        case SecretStr():
            text = "set" if value.get_secret_value() else ""
        case Quota():
            text = value.shown()
        case bool():
            text = "true" if value else "false"
        case (bool() as sees_refusals, float() as part):
            text = f"sample:{part:g}" if sees_refusals else "off"
        case dict():
            text = ",".join(f"{claim}={role.label}" for claim, role in value.items())
        case tuple():
            text = ",".join(map(str, value))
        case float():
            text = f"{value:g}"
        case _:
            text = "" if value is None else str(value)
    return text


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + str(location[0]).upper() if location else PREFIX.rstrip("_")


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
