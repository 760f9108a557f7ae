"""Which targets are watched, and what is asked of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.targets import Scheme, Target
from balancer.core.health.verdicts import TargetKey

ConfigsInUse = Callable[[], Sequence[CdnConfig]]
"""Gives the configs that requests may be decided by at the moment."""

_HTTPS_PORT = ":443"


class Watched(NamedTuple):
    """A target that is watched."""

    config: CdnConfig
    target: Target

    @property
    def key(self) -> TargetKey:
        """What it goes by in verdicts."""
        return self.config.id, self.target.name


def probe_of(target: Target) -> Check | None:
    """Return the check of a target with an absolute URL, None when the target is not watched: no check, or disabled.

    A URL that names no host is asked of the target's own, by the scheme that players are sent there by. Where that is
    the one of the player's URL, it is `http`, unless the host has the port 443.
    """
    check = target.check
    if check is None or not target.enabled:
        return None
    if not check.url.startswith("/"):
        return check
    scheme = target.scheme
    if scheme is Scheme.KEEP:
        scheme = Scheme.HTTPS if (target.host or "").endswith(_HTTPS_PORT) else Scheme.HTTP
    return replace(check, url=f"{scheme}://{target.host}{check.url}")


class Watchlist:
    """What is watched at the moment, worked out anew only when other configs are in use.

    Args:
        in_use: Gives the configs in use.
    """

    def __init__(self, in_use: ConfigsInUse) -> None:
        self._in_use = in_use
        self._configs: Sequence[CdnConfig] = ()
        self._checks: Mapping[Check, Sequence[Watched]] = {}
        self._bounded: Sequence[CdnConfig] = ()

    @property
    def configs(self) -> Sequence[CdnConfig]:
        """The configs in use."""
        return self._in_use()

    @property
    def bounded(self) -> Sequence[CdnConfig]:
        """Those of them that have bounds within which their shares follow quality."""
        self._look()
        return self._bounded

    @property
    def checks(self) -> Mapping[Check, Sequence[Watched]]:
        """What is to be asked, each with the targets that it is asked for: targets with like checks share one."""
        self._look()
        return self._checks

    def _look(self) -> None:
        configs = self._in_use()
        # They are never changed, only replaced.
        if len(configs) != len(self._configs) or any(
            one is not other for one, other in zip(configs, self._configs, strict=True)
        ):
            self._configs, self._checks = configs, _checks_of(configs)
            self._bounded = [config for config in configs if config.bounds]


def _checks_of(configs: Iterable[CdnConfig]) -> Mapping[Check, Sequence[Watched]]:
    found: dict[Check, list[Watched]] = {}
    for config in configs:
        for target in config.document.targets:
            if check := probe_of(target):
                found.setdefault(check, []).append(Watched(config, target))
    return found


def host_of(check: Check) -> str:
    """Return the name or address of the host that a check with an absolute URL asks."""
    return urlsplit(check.url).hostname or ""
