"""Targets and policies as clients send and see them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from balancer.api.configs.loops import Loop, LoopPatch
from balancer.core.configs import checks, targets
from balancer.core.configs.documents import ConfigDocument, PolicyName
from balancer.core.configs.edits import KEEP, ConfigChange, Keep, TargetChange
from balancer.core.configs.simple import simple_document, simple_view
from balancer.core.configs.targets import Kind, Scheme
from balancer.core.errors import InvalidInput
from balancer.core.urls.hosts import ToAscii, parse_cdn_host

Value = TypeVar("Value")


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """How a target's health is checked.

    Attributes:
        url: A path on the target's own host, such as `/health`, or an absolute `http` or `https` URL.
        method: `GET` or `HEAD`.
        statuses: Status codes that count as success, 1 to 20 of them.
        contains: Text that the body must contain, at most 200 characters; needs `GET`. Null accepts any body.
        interval: Seconds between probes, from 0.5 to 3600.
        timeout: Seconds that a probe may take, at most the interval.
        rise: Consecutive successes after which an unhealthy target is healthy, from 1 to 100.
        fall: Consecutive failures after which a healthy target is unhealthy, from 1 to 100.
        verify_tls: Whether the certificate must be valid.
        expiry_warning: Days before the certificate expires at which to start warning, at most 365; 0 for no warning.
        host: Value of the `Host` header; null for the host of the URL.
    """

    url: str = "/"
    method: str = "GET"
    statuses: list[int] = msgspec.field(default_factory=lambda: [200])
    contains: str | None = None
    interval: float = 5.0
    timeout: float = 2.0
    rise: int = 2
    fall: int = 3
    verify_tls: bool = True
    expiry_warning: int = 14
    host: str | None = None

    def read(self) -> checks.Check:
        """Return the check that this describes.

        Raises:
            InvalidInput: When a value is one that a check cannot have.
        """
        return checks.Check(**{**msgspec.structs.asdict(self), "statuses": tuple(self.statuses)})

    @classmethod
    def of(cls, check: checks.Check | None) -> "Check | None":
        """Return what clients see of a check."""
        if check is None:
            return None
        return cls(
            **{name: getattr(check, name) for name in cls.__struct_fields__} | {"statuses": list(check.statuses)}
        )


class Target(msgspec.Struct, forbid_unknown_fields=True):
    """A place where players may be sent.

    Attributes:
        name: Unique in the config: 1 to 32 characters of a to z, 0 to 9 and `-`.
        kind: `origin` sends players to the URL that they asked for; `cdn` sends them to a host of its own.
        host: Host of the CDN, with its port unless that is the default. Null for an origin.
        scheme: Scheme of the URLs at the CDN; `keep` is that of the URL asked for.
        path: Template of the path at the CDN: `{path}` exactly once, and optionally `{server}` and `{host}`, the first
            label and the whole host of the origin. Null for an origin.
        weight: Its share of the requests of its tier, relative to the other targets there, from 0 to 10000; 0 drains
            it and makes it a standby.
        tier: From 0 to 63. The lowest tier with a usable target serves all requests.
        enabled: False takes it out altogether, also as a standby.
        check: How its health is checked; null for no check.
    """

    name: str
    kind: Kind = Kind.CDN
    host: str | None = None
    scheme: Scheme = Scheme.KEEP
    path: str | None = None
    weight: int = 1
    tier: int = 0
    enabled: bool = True
    check: Check | None = None

    def read(self, to_ascii: ToAscii) -> targets.Target:
        """Return the target that this describes.

        Raises:
            InvalidInput: When a value is one that a target cannot have.
        """
        host = self.host and parse_cdn_host(self.host, to_ascii, f"targets.{self.name}.host")
        check = self.check.read() if self.check else None
        return targets.Target(**{**_shallow(self), "host": host, "check": check})

    @classmethod
    def of(cls, target: targets.Target) -> "Target":
        """Return what clients see of a target."""
        fields = {name: getattr(target, name) for name in cls.__struct_fields__}
        return cls(**{**fields, "check": Check.of(target.check)})


class Document(msgspec.Struct):
    """What admins decide in a config.

    Attributes:
        name: What they call it; null when it has no name.
        cdn_host: Host of the CDN, with its port unless that is the default. Null where a host and a rate cannot
            describe the targets.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never. Null where `cdn_host` is.
        policy: `exact` gives each target its exact share, `sticky` sends the same key to the same target, `failover`
            sends everything to the first usable target.
        sticky_key: Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value
            of that query parameter).
        panic_threshold: Health is ignored when less than this percentage of the tier's weight is healthy and no later
            tier can take over; 0 turns that off. `failover` ignores it.
        slow_start: Seconds over which a recovered target returns to its full weight; 0 is at once.
        targets: Where players may be sent; the order matters to `failover`.
        loop: How far shares may follow the quality that players report; null when they do not.
    """

    name: str | None
    cdn_host: str | None
    distribution_rate: int | None
    policy: PolicyName
    sticky_key: str
    panic_threshold: int
    slow_start: float
    targets: list[Target]
    loop: Loop | None

    @classmethod
    def of(cls, document: ConfigDocument) -> "Document":
        """Return what clients see of a document."""
        view = simple_view(document)
        return cls(
            document.name,
            view.cdn_host if view else None,
            view.distribution_rate if view else None,
            document.policy,
            document.sticky_key,
            document.panic_threshold,
            document.slow_start,
            [Target.of(target) for target in document.targets],
            Loop.of(document.loop),
        )


def read_change(body: msgspec.Struct, to_ascii: ToAscii) -> ConfigChange:
    """Return the change that the fields of a body ask for; those that are not given stay as they are.

    Raises:
        InvalidInput: When a value cannot be had.
    """
    fields: dict[str, Any] = {name: _given(getattr(body, name)) for name in ConfigChange.__dataclass_fields__}
    if isinstance(fields["cdn_host"], str):
        fields["cdn_host"] = parse_cdn_host(fields["cdn_host"], to_ascii)
    if fields["targets"] is not KEEP:
        fields["targets"] = read_targets(fields["targets"], to_ascii)
    if isinstance(fields["loop"], LoopPatch):
        fields["loop"] = fields["loop"].read()
    return ConfigChange(**fields)


def read_target_change(body: msgspec.Struct, to_ascii: ToAscii) -> TargetChange:
    """Return the change of one target that the fields of a body ask for.

    Raises:
        InvalidInput: When a value cannot be had.
    """
    fields: dict[str, Any] = {name: _given(getattr(body, name)) for name in TargetChange.__dataclass_fields__}
    if isinstance(fields["host"], str):
        fields["host"] = parse_cdn_host(fields["host"], to_ascii, "host")
    if isinstance(fields["check"], Check):
        fields["check"] = fields["check"].read()
    return TargetChange(**fields)


def read_targets(given: Sequence[Target], to_ascii: ToAscii) -> tuple[targets.Target, ...]:
    """Return the targets that a body describes.

    Raises:
        InvalidInput: When a value is one that a target cannot have.
    """
    return tuple(target.read(to_ascii) for target in given)


def read_new(body: msgspec.Struct, to_ascii: ToAscii) -> ConfigDocument:
    """Return the document of a config that is to be made.

    Raises:
        InvalidInput: When a value cannot be had, or the targets are given neither in full nor in the simple form.
    """
    given = {name: value for name in body.__struct_fields__ if (value := _given(getattr(body, name))) is not KEEP}
    given.pop("reason", None)
    name = given.pop("name", None)
    loop = given.pop("loop", None)
    bounds = loop.read() if loop else None
    if "targets" not in given:
        for field in ("cdn_host", "distribution_rate"):
            if field not in given:
                raise InvalidInput(field, "is required, unless 'targets' is given")
        host = parse_cdn_host(given.pop("cdn_host"), to_ascii)
        document = simple_document(host, given.pop("distribution_rate"), name)
        return replace(ConfigChange(**given).applied_to(document) if given else document, loop=bounds)
    if given.keys() & {"cdn_host", "distribution_rate"}:
        raise InvalidInput("targets", "cannot be given together with 'cdn_host' or 'distribution_rate'")
    targets_given = read_targets(given["targets"], to_ascii)
    return ConfigDocument(**{**given, "targets": targets_given, "name": name, "loop": bounds})


def _given(value: Value | msgspec.UnsetType) -> Value | Keep:
    return KEEP if isinstance(value, msgspec.UnsetType) else value


def _shallow(body: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}
