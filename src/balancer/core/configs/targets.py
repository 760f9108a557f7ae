"""A target: where a player may be sent, and how much of the traffic it gets."""

import re
from dataclasses import dataclass
from enum import StrEnum

from balancer.core.configs.checks import Check
from balancer.core.errors import InvalidInput

MAX_WEIGHT = 10_000
"""The greatest weight of a target; only the simple view's two targets can weigh more."""

MAX_TIER = 63
MAX_PATH = 200
"""Characters in a path template."""

PATH = "/{server}{path}"
"""The default path template: the origin's first label leads the path."""

NAME = re.compile(r"[a-z0-9-]{1,32}")
"""The name of a target."""

BAD_NAME = "must be 1 to 32 characters of a to z, 0 to 9 and '-'"
# RFC 3986 §3.3: what a path may hold unescaped, and the three placeholders.
_TEMPLATE = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|\{(?:server|path|host)\})*+")
_SAMPLE = {"{server}": "s", "{host}": "h", "{path}": "/p"}


class Kind(StrEnum):
    """What a target is."""

    ORIGIN = "origin"
    CDN = "cdn"


class Scheme(StrEnum):
    """By which scheme a player is sent to a CDN."""

    KEEP = "keep"
    """The one of the URL that it asked for."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a player may be sent.

    Attributes:
        name: Unique in its config: `cdn-a`, 1 to 32 of a to z, 0 to 9 and `-`.
        kind: An origin gives the player the URL that it asked for.
        host: Of a CDN: `cdn.example.com`, with `:port` if that is not the default; sound already. None for an origin.
        scheme: Of a CDN's URLs; an origin keeps the URL's own.
        path: Of a CDN: the template of a URL's path, with `{path}` once and, if wanted, `{server}` and `{host}` of the
            origin. None for an origin.
        weight: Its part of its tier's requests, relative to the others; 0 is standby: configured, and drained.
        tier: The lowest tier that has a usable target serves; 0 is first.
        enabled: Whether it may be used at all.
        check: How it is probed; None when its health is not watched.

    Raises:
        InvalidInput: When a value is one that a target cannot have; names `targets.cdn-a.…`.
    """

    name: str
    kind: Kind
    host: str | None = None
    scheme: Scheme = Scheme.KEEP
    path: str | None = None
    weight: int = 1
    tier: int = 0
    enabled: bool = True
    check: Check | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidInput("targets.name", BAD_NAME)
        if self.weight < 0:
            raise self.fault("weight", f"must be from 0 to {MAX_WEIGHT}, not {self.weight}")
        if not 0 <= self.tier <= MAX_TIER:
            raise self.fault("tier", f"must be from 0 to {MAX_TIER}, not {self.tier}")
        if self.kind is Kind.ORIGIN:
            self._check_origin()
        else:
            self._check_cdn()

    def fault(self, field: str, what: str) -> InvalidInput:
        """Return the error that says what is wrong with a field of this target."""
        return InvalidInput(f"targets.{self.name}.{field}", what)

    def _check_origin(self) -> None:
        for field, given in (("host", self.host), ("path", self.path)):
            if given is not None:
                raise self.fault(field, "must not be given: an origin gets the URL that the player asked for")
        if self.scheme is not Scheme.KEEP:
            raise self.fault("scheme", "must be 'keep': an origin gets the URL that the player asked for")
        if self.check and self.check.url.startswith("/"):
            raise self.fault("check.url", "must be an absolute http or https URL: an origin has no host of its own")

    def _check_cdn(self) -> None:
        if not self.host:
            raise self.fault("host", "is required")
        if self.path is None:
            # The one way to give a frozen object a default that depends on its other fields.
            object.__setattr__(self, "path", PATH)
        elif wrong := fault_in_template(self.path):
            raise self.fault("path", wrong)


def fault_in_template(template: str) -> str | None:
    """Return what is wrong with a path template, None when it leads to a sound path with every video."""
    if len(template) > MAX_PATH or not _TEMPLATE.fullmatch(template):
        return (
            f"must be a path of at most {MAX_PATH} characters that begins with '/', without query, escapes or "
            "placeholders other than {path}, {server} and {host}"
        )
    if template.count("{path}") != 1:
        return "must have {path} exactly once"
    sample = template
    for placeholder, value in _SAMPLE.items():
        sample = sample.replace(placeholder, value)
    segments = sample.split("/")[1:]
    if "" in segments[:-1]:
        return "has an empty segment; {path} begins with a slash of its own"
    if {".", ".."} & {segment.partition(";")[0] for segment in segments}:
        return "has a dot segment"
    return None
