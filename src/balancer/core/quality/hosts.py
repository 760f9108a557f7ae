"""Which target serves what a player has asked a host for."""

from balancer.core.configs.targets import Kind
from balancer.core.routing.decisions import Plan
from balancer.core.routing.redirects import Redirects
from balancer.core.urls.hosts import OriginHosts, is_name, is_port

MAX_HOSTS = 4096
"""Hosts that are remembered; whoever makes some up could otherwise fill the memory."""

ELSEWHERE = ""
"""The target of a host that is nobody's here: this service itself, or one that is not configured."""


class TargetHosts:
    """Finds targets by their hosts, by the plan in force.

    The default config goes before the others, and these in the order of their ids, where several have the same host.

    Args:
        redirects: Hold the plan.
        origins: The hosts of the origin, which are those of the target that is the origin.
    """

    def __init__(self, redirects: Redirects, origins: OriginHosts) -> None:
        self._redirects = redirects
        self._origins = origins
        self._plan: Plan | None = None
        self._origin = ELSEWHERE
        self._names: dict[str, str] = {}
        self._found: dict[str, str] = {}

    def name_of(self, host: str) -> str:
        """Return the name of the target with this host, `ELSEWHERE` where there is none.

        Args:
            host: In lower case, with its port if that is not the default: `cdn.example.com`.
        """
        if self._redirects.plan is not self._plan or len(self._found) >= MAX_HOSTS:
            self._read(self._redirects.plan)
        found = self._found.get(host)
        if found is None:
            found = self._names.get(host) or (self._origin if self._is_origin(host) else ELSEWHERE)
            self._found[host] = found
        return found

    def _read(self, plan: Plan | None) -> None:
        self._plan, self._origin, self._names, self._found = plan, ELSEWHERE, {}, {}
        if plan is None:
            return
        for route in [plan.default, *(plan.routes[number] for number in sorted(plan.routes))]:
            for target in route.config.document.targets:
                if target.kind is Kind.ORIGIN:
                    self._origin = self._origin or target.name
                elif target.host:
                    self._names.setdefault(target.host, target.name)
                    # A player leaves the default port out.
                    self._names.setdefault(target.host.removesuffix(":80").removesuffix(":443"), target.name)

    def _is_origin(self, host: str) -> bool:
        name, colon, port = host.partition(":")
        if not is_name(name) or (colon and not is_port(port)):
            return False
        number = int(port) if port else None
        return any(self._origins.pattern_of(scheme, name, number) for scheme in ("http", "https"))
