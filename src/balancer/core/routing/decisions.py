"""The decision that everything else is for: where does this request go, and why?"""

from collections.abc import Mapping
from typing import NamedTuple

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.targets import Target
from balancer.core.routing.policies import Choice
from balancer.core.routing.reasons import RoutingReason, SkipReason
from balancer.core.routing.routes import Client, Route
from balancer.core.rules.documents import Rule
from balancer.core.rules.matching import Reading, RuleBook
from balancer.core.urls.videos import Origin, OriginUrl, tail_of

MAX_ROUTES = 16
"""Routes on which a request is remembered, and groups of clients whose route is."""


class Plan(NamedTuple):
    """Everything that a redirect needs to know, compiled, in one object that is swapped by one assignment.

    Attributes:
        default: Serves where no rule says otherwise.
        routes: By id of their configs: of the default one, and of those that rules name.
        rules: Which of them a request matches; None without rules.
    """

    default: Route
    routes: Mapping[int, Route]
    rules: RuleBook | None = None

    def read(self, origin: Origin, path: bytes, carried: bytes, query: bytes = b"") -> "Asked":
        """Return what a request asks for, ready for `decide`.

        Args:
            origin: Of the video.
            path: Of the video.
            carried: The parameters beside it, as they were sent.
            query: Of the video: `?x=1`.
        """
        asked = Asked(self, self.default, origin, path, carried, query)
        if self.rules is None:
            return asked
        reading = self.rules.read(origin.host, path.decode(), carried)
        if reading.settled:
            return asked.on(self._route_at(reading.position))
        asked.reading, asked.asks_client, asked.by_group, asked.group = reading, True, {}, -1
        return asked

    def route_once(self, origin: Origin, path: bytes, carried: bytes, address: str) -> Route | None:
        """Return the route that a request takes whose URL and client's address alone decide that, with nothing kept.

        Args:
            origin: Of the video.
            path: Of the video, which has no query.
            carried: The parameters beside it, as they were sent.
            address: Of the client.

        Returns:
            None where more than that decides, and where the choice of a target asks for more than a ticket.
        """
        route = self.default
        if self.rules is not None:
            position = self.rules.read_once(origin.host, path.decode(), carried, address)
            if position is None:
                return None
            if position < len(self.rules.rules):
                route = self._route_at(position)
        return None if route.needs_key else route

    def settle(self, asked: "Asked", client: Client) -> "Asked":
        """Return a request on the route that it takes by the rules and by who asks."""
        rules, reading = self.rules, asked.reading
        if rules is None or reading is None:
            return asked
        group = rules.group_of(client.address)
        if found := asked.by_group.get(group):
            return found
        narrowed = rules.narrow(reading, group)
        found = asked.on(self._route_at(rules.finish(narrowed, client.header)))
        if narrowed.settled:
            if len(asked.by_group) >= MAX_ROUTES:
                asked.by_group.clear()
            asked.by_group[group] = asked.latest = found
            asked.group = group
        return found

    def rule_of(self, asked: "Asked", client: Client) -> Rule | None:
        """Return the rule that a request matches, for whoever explains it."""
        if self.rules is None:
            return None
        reading = self.rules.read(asked.origin.host, asked.path.decode(), asked.carried)
        position = self.rules.choose(reading, client.address, client.header)
        return None if position is None else self.rules.rules[position]

    def _route_at(self, position: int | None) -> Route:
        if position is None or self.rules is None:
            return self.default
        # A config is on record as long as a rule names it; a copy that is not whole may lack it.
        return self.routes.get(self.rules.rules[position].config_id, self.default)


class Asked:
    """What a request asks for, by one plan and one route; each location is made when it is first wanted.

    A request that is made again and again is read once.

    Args:
        plan: Decides.
        route: Of the config that it gets, the default one where the client decides that.
        origin: Of the video.
        path: Of the video.
        carried: The parameters beside it, as they were sent.
        query: Of the video.

    Attributes:
        reading: What the rules say so far, None when the client changes nothing.
        asks_client: Whether the decision depends on who asks.
        locations: By target index, the absolute URL for the `Location` header, None until it is wanted.
        key: What keeps its target, None until it is wanted.
        by_group: By group of clients, the request on the route that theirs take; only where there is a reading.
        group: The group that was found last, -1 before the first; where there is a reading.
        latest: What was found for it, without the memory that `by_group` is spread over.
    """

    __slots__ = (
        *("_others", "asks_client", "by_group", "carried", "group", "key", "latest", "locations", "origin"),
        *("path", "plan", "query", "reading", "route"),
    )

    by_group: "dict[int, Asked]"
    group: int
    latest: "Asked"

    def __init__(  # noqa: PLR0913, PLR0917  one is made for each request that is new, so it is made of what there is
        self,
        plan: Plan,
        route: Route,
        origin: Origin,
        path: bytes,
        carried: bytes,
        query: bytes,
    ) -> None:
        self.plan = plan
        self.route = route
        self.origin = origin
        self.path = path
        self.carried = carried
        self.query = query
        self.reading: Reading | None = None
        self.asks_client = route.asks_client
        self.locations: list[bytes | None] = [None] * route.size
        self.key: bytes | None = None
        self._others: dict[Route, Asked] | None = None

    @property
    def video(self) -> OriginUrl:
        """The URL of the video."""
        return OriginUrl(self.origin, self.path, self.query)

    def location(self, index: int) -> bytes:
        """Return the location at the target of this index."""
        found = self.locations[index]
        if found is None:
            before, after = self.route.ends(self.origin)[index]
            tail = tail_of(self.query, self.carried) if self.carried or self.query else b""
            found = self.locations[index] = before + self.path + after + tail
        return found

    def on(self, route: Route) -> "Asked":
        """Return the same request on a route."""
        if route is self.route and self.reading is None:
            return self
        if self._others is None:
            self._others = {}
        found = self._others.get(route)
        if found is None:
            if len(self._others) >= MAX_ROUTES:
                self._others.clear()
            found = self._others[route] = Asked(self.plan, route, self.origin, self.path, self.carried, self.query)
        return found


class Step(NamedTuple):
    """One step on the way to an answer.

    Attributes:
        step: `config`, `video`, `host`, `rule`, `loop`, `ticket`, `key`, `target` or `location`.
        finding: What was found there, in one sentence.
    """

    step: str
    finding: str


def decide(asked: Asked, client: Client, trace: list[Step] | None = None) -> tuple[Asked, Choice, int]:
    """Decide where a request goes: the only place where that is decided.

    Args:
        asked: What it asks for.
        client: Who asks; any where `asked.asks_client` is false.
        trace: Told step by step what the decision is made by. A request that is only explained takes no ticket.

    Returns:
        The request on the route that it takes, the choice of its target, and its ticket.
    """
    if asked.reading is not None:
        asked = asked.plan.settle(asked, client)
    route = asked.route
    key = _key(asked, client) if route.needs_key else b""
    if trace is None:
        ticket = route.book.take()
        return asked, route.policy.choose(key, ticket), ticket
    ticket = route.book.peek()
    choice = route.policy.choose(key, ticket)
    trace += _steps(asked, choice, ticket, key, client)
    return asked, choice, ticket


def _key(asked: Asked, client: Client) -> bytes:
    """Return what keeps the target of a request; it is found once where it is not the client."""
    key = asked.key or asked.route.key_of(asked.video, asked.carried, client)
    if not asked.route.asks_client:
        asked.key = key
    return key


def _steps(asked: Asked, choice: Choice, ticket: int, key: bytes, client: Client) -> list[Step]:
    """Say what a decision was made by."""
    route, chosen = asked.route, asked.route.config.document.targets[choice.target_index]
    steps = []
    if asked.plan.rules is not None:
        rule = asked.plan.rule_of(asked, client)
        by = f"The rule '{rule.name}' matches" if rule else "No rule matches"
        steps.append(Step("rule", f"{by}, so config {route.config.id} decides."))
    if route.policy.needs_key:
        shown = key.decode("ascii", "backslashreplace")
        steps.append(Step("key", f"What keeps its target is the key '{shown}'."))
    else:
        steps.append(Step("ticket", f"The next ticket of this process is {ticket}."))
    return [*steps, Step("target", f"{_because(route, choice, ticket)} {chosen.name}.")]


def _because(route: Route, choice: Choice, ticket: int) -> str:
    length = route.policy.cycle
    slot = f"That is slot {(ticket - 1) % length + 1} of {length} in the schedule, which belongs to the target"
    match choice.reason:
        case RoutingReason.STICKY:
            return "By its hash it keeps to the target"
        case RoutingReason.FAILOVER:
            return "The first usable target in order is"
        case RoutingReason.TIER:
            return "No target of an earlier tier is usable, so a later one serves, by the target"
        case RoutingReason.PANIC:
            return "Too few targets are healthy, so health is ignored; it goes to the target"
        case RoutingReason.STANDBY:
            return "No target with a weight is usable, so it goes to the standby target"
        case _:
            return slot


class Decision(NamedTuple):
    """Where a request goes, and why: what `decide` returns, for whoever looks at it.

    Attributes:
        asked: The request on its route.
        choice: The index of its target, and why.
        ticket: The request's place in the sequence of its config.
    """

    asked: Asked
    choice: Choice
    ticket: int

    @property
    def location(self) -> str:
        """The absolute URL for the `Location` header, in characters of one byte each (Latin-1)."""
        return self.asked.location(self.choice.target_index).decode("latin-1")

    @property
    def route(self) -> Route:
        """What it was decided by."""
        return self.asked.route

    @property
    def video(self) -> OriginUrl:
        """What was asked for."""
        return self.asked.video

    @property
    def target(self) -> Target:
        """Where it goes."""
        return self.config.document.targets[self.choice.target_index]

    @property
    def skipped(self) -> dict[str, SkipReason]:
        """Why each of the other targets was not chosen, by name."""
        return self.route.skipped(self.choice)

    @property
    def config(self) -> CdnConfig:
        """The revision that was in force."""
        return self.asked.route.config
