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
    """All settings with their defaults; `make docs` writes docs/settings.md from what stands below each."""

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
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""
    unix_socket: Path | None = None
    """A Unix socket to listen on instead of the address and the port."""
    tls_cert: Path | None = None
    """The certificate with its chain, in PEM: speak TLS on that port. Read again when the file changes."""
    tls_key: Path | None = None
    """The certificate's key, in PEM; given together with the certificate."""
    plain_port: int | None = Field(default=None, ge=0, le=65535)
    """A second port that speaks HTTP without TLS. Needs a certificate."""
    hsts: int = Field(default=0, ge=0, le=10 * 365 * 24 * 3600)
    """Seconds for which browsers are to use https alone (RFC 6797); 0 sends no such header. Needs a certificate."""
    proxy_protocol: bool = False
    """Whether trusted proxies begin each connection with the PROXY protocol, version 1 or 2."""
    role: Literal["all", "edge", "admin"] = "all"
    """What the processes answer: `edge` only players, metrics and health, `admin` everything else, `all` both."""
    workers: int = Field(default=1, ge=1, le=1024)
    """Processes that serve side by side on that port."""
    worker_start_time: float = Field(default=60, ge=1, le=3600)
    """Seconds that a worker may take to start."""
    worker_silence: float = Field(default=90, ge=1, le=7200)
    """Seconds without a sign of life after which a worker is replaced; longer than it may take to start."""
    wait_for_config: bool = True
    """With no database and no copy of a config: `on` answers `503` until the database is back, `off` exits with
    code 1.
    """
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines that are logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`json`, `console` for people, or `auto`: for people on a terminal, else JSON."""
    access_log: Annotated[tuple[bool, float], NoDecode] = (False, 0.0)
    """Which requests of players get a line: none, refused ones, those and a part of the redirects, or all."""
    open_metrics: bool = True
    """Whether `/metrics` needs no key."""
    traced_redirects: float = Field(default=0.001, ge=0, le=1)
    """Which part of the redirects gets a trace, where `OTEL_EXPORTER_OTLP_ENDPOINT` turns traces on."""

    fast_lane: bool = True
    """Answer players in the protocol layer, bypassing the framework; `off` leaves all requests to the application."""
    head_size: int = Field(default=16 * 1024, ge=1024, le=1024 * 1024)
    """Bytes of request headers; `431` above."""
    head_time: float = Field(default=10, ge=0.1, le=3600)
    """Seconds that request headers may take to arrive, and a body as long again; `408` after."""
    keep_alive: float = Field(default=65, ge=0.1, le=3600)
    """Seconds that an idle connection is kept open."""
    connections: int = Field(default=10_000, ge=1)
    """Connections of one process at the same time; `503` above."""
    client_connections: int = Field(default=0, ge=0)
    """Connections of one address to one process, trusted proxies excepted; `429` above, 0 for no limit."""
    shutdown_timeout: int = Field(default=30, ge=1, le=3600)
    """Seconds that a stop waits for requests in flight."""

    data_dir: Path = Path("data")
    """The folder of the embedded database, of the copy of the last config and of the host's own steering key."""
    database_url: SecretStr = SecretStr("")
    """`postgresql://user:password@host/database` or `sqlite:///path`; without it, an SQLite file in the data folder."""
    redis_url: SecretStr | None = None
    """`redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`; without it each process counts
    by itself.
    """
    redis_prefix: str = "balancer:"
    """Begins every key and channel in Redis; fleets that share a Redis need different ones."""
    poll_interval: float = Field(default=0.5, ge=0.05, le=60)
    """Seconds between two looks at the database for a change that no notice told of."""

    origin_hosts: Annotated[tuple[str, ...], NoDecode] = ("*.origin-cluster",)
    """Origins that may be redirected; `*` stands for exactly one label, and a port other than the default must be
    named.
    """
    cdn_host: str = "cdn.example.com"
    """The CDN of the config that a first start makes; afterwards `PATCH /config` changes it."""
    distribution_rate: int = Field(default=10, ge=0, le=MAX_DISTRIBUTION_RATE)
    """The rate N of that config: every N-th request goes to the origin, 0 sends none there, 1 all."""

    public_url: str | None = None
    """The address of this service as players know it, for the URLs that sessions ask next; without it, that of the
    request.
    """
    steering_ttl: int = Field(default=30, ge=LEAST_TTL, le=MOST_TTL)
    """Seconds until a steered session asks again; sessions spread by a tenth around it."""
    manifests: bool = False
    """Whether players may ask for manifests with steering added (`GET /manifest`), which are fetched from their
    origins.
    """
    cmcd: bool = False
    """Whether players are heard that report how playback goes by CMCD; the same for all processes."""
    steering_key: SecretStr | None = None
    """Signs the state of sessions; the same on all hosts. Without it each host makes one in its data folder."""

    bootstrap_api_key: SecretStr | None = None
    """The admin's key that a first start makes; without it a start at a terminal generates one and prints it once."""
    open_docs: bool = True
    """Whether `/docs` and `/schema` need no key."""
    jwt_issuer: str | None = None
    """`iss` of an identity provider's tokens, which are accepted beside keys; needs the two below."""
    jwt_audience: str | None = None
    """`aud` that the tokens must have."""
    jwt_jwks: str | None = None
    """The provider's set of keys: a path or a URL."""
    jwt_role_claim: str = "role"
    """The claim that has the role, such as `role` or `realm_access.roles`."""
    jwt_client_id: str | None = None
    """The id of the console at the provider, which lets people sign in there; without it the console asks for keys."""
    jwt_scope: str = "openid"
    """What the console asks the provider for."""
    jwt_authorize_url: str | None = None
    """Where the provider signs people in; without it the provider's own description says so."""
    jwt_token_url: str | None = None
    """Where the provider gives tokens to the console; without it the provider's own description says so."""
    jwt_roles: Annotated[dict[str, Role], NoDecode] = Field(default_factory=lambda: {role.label: role for role in Role})
    """Which value of that claim stands for which role."""

    player_rate: Annotated[Quota | None, NoDecode] = None
    """Redirects for one address; `429` above."""
    admin_rate: Annotated[Quota | None, NoDecode] = Quota(50, 1, 100)
    """Requests that need a key, with one key; `429` above."""
    login_rate: Annotated[Quota | None, NoDecode] = Quota(10, 60, 10)
    """Failed attempts to authenticate from one address; `429` above, except for credentials that are right."""
    open_rate: Annotated[Quota | None, NoDecode] = Quota(20, 1, 100)
    """Requests of one address for what needs no key, or with a wrong one: documents, metrics, health, unknown paths."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Networks whose `X-Forwarded-For`, `Forwarded` or PROXY header tells the client's address; `unix` for the Unix
    socket.
    """
    geo_database: Annotated[tuple[Path, ...], NoDecode] = ()
    """MaxMind databases that tell the countries and autonomous systems of clients, for rules that ask for them."""

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
