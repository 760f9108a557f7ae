"""All errors of the domain.

    BalancerError
    ├── Refusal                 a request that is not redirected and takes no ticket; see `balancer.core.refusals`
    ├── InvalidInput            a field of a request or a setting has a value that it cannot have
    ├── ConfigNotFound          no config has that id
    ├── TargetNotFound          a config has no target of that name
    ├── NotSimple               a config is more than one CDN host and one rate
    ├── RevisionNotFound        a config has no revision of that number
    ├── RuleRevisionNotFound    the rules have no revision of that number
    ├── StaleRevision           a config has changed since the client read it
    ├── StaleRules              the rules have changed since the client read them
    ├── IdempotencyKeyReused    a request has the idempotency key of a different one
    ├── DefaultConfigKept       the config that the redirect uses cannot be deleted
    ├── ConfigInUse             a config that a rule names cannot be deleted
    ├── Unauthenticated         the request does not say, or not rightly, who makes it
    ├── Forbidden               whoever makes the request may not
    ├── KeyNotFound             no API key has that id
    ├── LastAdminKey            no other API key that works has the role of an admin
    ├── RateLimited             a client makes more requests than it may
    ├── TooManyStreams          a process sends as many live streams as it may
    ├── NoConfig                no config is known, neither from the database nor from a copy of it
    ├── StoreUnavailable        a store did not answer, or not in time
    │   └── OutcomeUnknown      the database did not confirm a change, which may have been made or not
    ├── NotSteerable            a manifest cannot be given content steering
    ├── UnknownFormat           something on record is in a format that this release does not know
    └── SchemaMismatch          the database has another schema than the program

Each holds values and says them in one sentence. `balancer.problems` decides what status an HTTP client sees.
"""

from enum import StrEnum


class BalancerError(Exception):
    """The root: everything that the domain can say is wrong."""


class InvalidInput(BalancerError):
    """A field of a request or a setting has a value that it cannot have.

    Attributes:
        field: The name of the field, as in JSON.
        fault: One clause without the subject: `has a scheme; give only the host name`.
    """

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"'{field}' {fault}.")
        self.field = field
        self.fault = fault


class ConfigNotFound(BalancerError):
    """No config has that id."""

    def __init__(self, config_id: int) -> None:
        super().__init__(f"There is no config with id {config_id}.")
        self.config_id = config_id


class TargetNotFound(BalancerError):
    """A config has no target of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The config has no target with the name '{name}'.")
        self.name = name


class NotSimple(BalancerError):
    """A config is more than one CDN host and one rate, so neither of these can be changed.

    Attributes:
        fields: Those that were to change: `cdn_host`.
    """

    def __init__(self, *fields: str) -> None:
        names = " and ".join(f"'{field}'" for field in fields)
        super().__init__(
            f"The targets of this config are more than {names} can say: change one with PATCH /config/target, or all "
            "with 'targets' in PATCH /config."
        )
        self.fields = fields


class RevisionNotFound(BalancerError):
    """A config has no revision of that number."""

    def __init__(self, config_id: int, revision: int) -> None:
        super().__init__(f"Config {config_id} has no revision {revision}.")
        self.config_id = config_id
        self.revision = revision


class StaleRevision(BalancerError):
    """A config has changed since the client read it.

    Attributes:
        config_id: Which config.
        current: The number of its latest revision.
    """

    def __init__(self, config_id: int, current: int) -> None:
        super().__init__(f"Config {config_id} is at revision {current}, not at the one that 'If-Match' names.")
        self.config_id = config_id
        self.current = current


class RuleRevisionNotFound(BalancerError):
    """The rules have no revision of that number."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"The rules have no revision {revision}.")
        self.revision = revision


class StaleRules(BalancerError):
    """The rules have changed since the client read them.

    Attributes:
        current: The number of their latest revision.
    """

    def __init__(self, current: int) -> None:
        super().__init__(f"The rules are at revision {current}, not at the one that 'If-Match' names.")
        self.current = current


class IdempotencyKeyReused(BalancerError):
    """A request has the idempotency key of a different one by the same actor."""

    def __init__(self) -> None:
        super().__init__("The 'Idempotency-Key' was used for a different request; choose a new key for each change.")


class DefaultConfigKept(BalancerError):
    """The config that the redirect uses cannot be deleted."""

    def __init__(self, config_id: int) -> None:
        super().__init__(f"Config {config_id} is the default one, which the redirect uses; it cannot be deleted.")
        self.config_id = config_id


class ConfigInUse(BalancerError):
    """A config that a rule names cannot be deleted.

    Attributes:
        config_id: Which config.
        rule: The name of the first rule that names it.
    """

    def __init__(self, config_id: int, rule: str) -> None:
        super().__init__(f"Config {config_id} is named by the rule '{rule}'; change or remove that rule first.")
        self.config_id = config_id
        self.rule = rule


class Unauthenticated(BalancerError):
    """The request does not say, or not rightly, who makes it.

    Attributes:
        fault: One sentence for the client, which says nothing of what was sent.
        tried: Whether credentials were sent.
    """

    def __init__(self, fault: str, *, tried: bool) -> None:
        super().__init__(fault)
        self.fault = fault
        self.tried = tried


class Forbidden(BalancerError):
    """Whoever makes the request may not.

    Attributes:
        needed: The name of the role that may.
        has: The name of the role that the request has, None for none.
    """

    def __init__(self, needed: str, has: str | None) -> None:
        super().__init__(f"This needs the role '{needed}'; the credentials have {has or 'none'}.")
        self.needed = needed
        self.has = has


class KeyNotFound(BalancerError):
    """No API key has that id."""

    def __init__(self, key_id: int) -> None:
        super().__init__(f"There is no API key with id {key_id}.")
        self.key_id = key_id


class LastAdminKey(BalancerError):
    """No other API key that works has the role of an admin."""

    def __init__(self, key_id: int) -> None:
        super().__init__(
            f"API key {key_id} is the last admin's key that works; make another one first, or revoke it by "
            "'balancer keys revoke'."
        )
        self.key_id = key_id


class RateLimited(BalancerError):
    """A client makes more requests than it may.

    Attributes:
        policy: `player`, `admin`, `login` or `open`.
        count: Requests that the policy allows.
        seconds: In this time.
        burst: At once.
        wait: Seconds until the next one is allowed.
    """

    def __init__(self, policy: str, count: int, seconds: int, burst: int, wait: float) -> None:
        per = {1: "a second", 60: "a minute", 3600: "an hour"}.get(seconds, f"in {seconds} seconds")
        what = {"login": "failed attempts to authenticate"}.get(policy, "requests")
        super().__init__(f"More than {count} {what} {per}.")
        self.policy = policy
        self.count = count
        self.seconds = seconds
        self.burst = burst
        self.wait = wait


class TooManyStreams(BalancerError):
    """A process sends as many live streams as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"This process sends {limit} live streams already, as many as it may.")
        self.limit = limit


class NoConfig(BalancerError):
    """No config is known, neither from the database nor from a copy of it."""

    def __init__(self) -> None:
        super().__init__(
            "No config is known: the database has none or does not answer, and there is no copy of an earlier one."
        )


class StoreFault(StrEnum):
    """What keeps a store from answering: a closed vocabulary, each a clause that goes on after the store's name."""

    TIMED_OUT = "does not answer in time"
    NOT_LISTENING = "does not run at the address that is given"
    UNKNOWN_HOST = "is at a host whose name cannot be resolved"
    UNREACHABLE = "cannot be reached over the network"
    DISCONNECTED = "has closed the connection"
    DENIED = "refuses the user or the password"
    MISSING = "does not exist"
    TLS = "cannot be talked to over TLS"
    UNTRUSTED = "has a certificate that is not trusted"
    FULL = "has no disk space or memory left"
    READ_ONLY = "can be read but not written"
    FORBIDDEN = "does not permit this"
    NO_TABLES = "lacks tables or columns that the program needs"
    LOCKED = "is locked by another program"
    CROWDED = "takes no more connections"
    STARTING = "is starting or stopping"
    UNREADABLE = "cannot be opened or read"
    DAMAGED = "is damaged, or is not a database at all"
    OTHER = "does not work"


def named(store: str) -> str:
    """Return a store as a sentence begins with it: `The database`, `Redis`."""
    return "Redis" if store == "redis" else f"The {store}"


class StoreUnavailable(BalancerError):
    """A store did not answer, or not in time.

    Its text is for clients, and so does not tell why; `explained` is for operators.

    Attributes:
        store: Which one, in an operator's words: `database`, `redis`, `file`.
        fault: Why.
    """

    def __init__(self, store: str, fault: StoreFault = StoreFault.OTHER) -> None:
        super().__init__(f"{named(store)} is not available at the moment.")
        self.store = store
        self.fault = fault

    @property
    def explained(self) -> str:
        """What is wrong with which store, in one sentence."""
        return f"{named(self.store)} {self.fault}."


class OutcomeUnknown(StoreUnavailable):
    """The database did not confirm a change, which may have been made or not."""

    def __init__(self, store: str, fault: StoreFault = StoreFault.OTHER) -> None:
        super().__init__(store, fault)
        text = (
            f"{named(store)} did not confirm the change, which may have been made or not. "
            "Send the same request again with the same 'Idempotency-Key', or read the config."
        )
        self.args = (text,)


class SchemaMismatch(BalancerError):
    """The database has a schema other than the one that the program needs.

    Attributes:
        found: The revision in the database, None when it has no schema at all.
        expected: The revision that the program was written for.
        is_newer: Whether a newer release than this program has migrated the database.
    """

    def __init__(self, found: str | None, expected: str, *, is_newer: bool = False) -> None:
        state = f"at schema {found}" if found else "empty"
        if is_newer:
            advice = (
                f"this program is older and knows schemas up to {expected}: "
                "run the release that has migrated the database, "
                f"or take the database back with that release by 'balancer migrate --to={expected}'."
            )
        else:
            advice = f"this program needs schema {expected}: run 'balancer migrate' (in a checkout: 'make migrate')."
        super().__init__(f"The database is {state}, {advice}")
        self.found = found
        self.expected = expected
        self.is_newer = is_newer


class SteeringObstacle(StrEnum):
    """What keeps a manifest from getting content steering: a closed vocabulary."""

    NOT_A_MANIFEST = "not-a-manifest"
    MEDIA_PLAYLIST = "media-playlist"
    STEERED_ALREADY = "steered-already"
    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"


class NotSteerable(BalancerError):
    """A manifest cannot be given content steering; it can be used as it is.

    Attributes:
        reason: The class of the obstacle.
        fault: One clause without the subject: `is a media playlist, which has no variants`.
    """

    def __init__(self, reason: SteeringObstacle, fault: str) -> None:
        super().__init__(f"The manifest {fault}.")
        self.reason = reason
        self.fault = fault


class UnknownFormat(BalancerError):
    """Something on record is in a format, or has a field, that this release does not know: a newer one wrote it.

    Attributes:
        what: `config 1`.
        fault: What is not known, as a clause.
    """

    def __init__(self, what: str, fault: str) -> None:
        super().__init__(f"The record of {what} cannot be read by this release: {fault}.")
        self.what = what
        self.fault = fault
