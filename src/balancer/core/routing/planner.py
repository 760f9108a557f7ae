"""Draws the plan: compiles what is on record and what is known of health, beside the requests."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from balancer.core.configs.documents import CdnConfig, PolicyName
from balancer.core.routing.decisions import Plan
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Route
from balancer.core.routing.tickets import TicketBooks
from balancer.core.routing.usable import Usable, usable
from balancer.core.rules.documents import RuleList
from balancer.core.rules.matching import RuleBook
from balancer.core.rules.ports import ClientPlaces
from balancer.core.rules.revisions import NO_RULES, RuleRevision

Drawing = Callable[[], Plan]

Aside = Callable[[Drawing], Awaitable[Plan]]
"""Calls what takes long where it holds up no request."""

Parts = Mapping[tuple[int, str], float]
"""By config and name of a target, how much of its weight its health and the loop leave it; 1 where nothing is said."""

LONG = 500
"""Slots of a schedule from which on laying it out takes too long to be done between two requests."""


@dataclass(frozen=True)
class Blueprint:
    """What a plan is drawn from.

    Attributes:
        default: The config that serves where no rule says otherwise.
        others: By id, the configs that rules name beside it.
        rules: Which requests get which of them.
    """

    default: CdnConfig
    others: Mapping[int, CdnConfig] = field(default_factory=dict)
    rules: RuleRevision = NO_RULES

    @property
    def configs(self) -> dict[int, CdnConfig]:
        """All configs in use, by id."""
        return {**self.others, self.default.id: self.default}


class Planner:
    """Keeps the plan of a process in step with what it is drawn from.

    Args:
        redirects: Redirect by the plan.
        books: The tickets of the process.
        aside: Draws what takes long.
        pause: Called again and again while something long is laid out.
        places: Tells rules where clients are.
    """

    def __init__(
        self,
        redirects: Redirects,
        books: TicketBooks,
        aside: Aside,
        pause: Callable[[], None] | None = None,
        places: ClientPlaces | None = None,
    ) -> None:
        self.redirects = redirects
        self.books = books
        self._aside = aside
        self._pause = pause
        self._places = places
        self._drawn_rules: tuple[RuleList, RuleBook | None] = (NO_RULES.rules, None)
        self._wanted: Blueprint | None = None
        self._parts: Parts = {}
        # Plans are drawn at once beside each other, and the last one that was wanted stays.
        self._number = self._adopted = 0

    @property
    def wanted(self) -> Blueprint | None:
        """What the newest plan is drawn from, or is being drawn from; None before the first config is known."""
        return self._wanted

    @property
    def config(self) -> CdnConfig | None:
        """The default config of that."""
        return self._wanted.default if self._wanted else None

    async def follow(self, blueprint: Blueprint) -> None:
        """Draw a plan and put it in force, unless one that was wanted later is in force by then."""
        number = self._want(blueprint)
        due = self._due(blueprint)
        if (
            any(_takes_long(config, self._usable(config)) for config in due)
            or self._drawn_rules[0] is not blueprint.rules.rules
        ):
            plan = await self._aside(lambda: self._draw(blueprint, due))
        else:
            plan = self._draw(blueprint, due)
        self._adopt(plan, number)

    async def hear(self, config: CdnConfig) -> bool:
        """Follow a newer revision of a config in use, and return whether it was one."""
        wanted = self._wanted
        if wanted is None or config.id == wanted.default.id:
            if not config.is_newer_than(self.config):
                return False
            changed = replace(wanted, default=config) if wanted else Blueprint(config)
        elif config.id in wanted.others and config.is_newer_than(wanted.others[config.id]):
            changed = replace(wanted, others={**wanted.others, config.id: config})
        else:
            return False
        await self.follow(changed)
        return True

    async def heed(self, parts: Parts) -> None:
        """Follow what is known of the targets' health, and of the shares that the loop gives them."""
        self._parts = parts
        if self._wanted and self._due(self._wanted):
            await self.follow(self._wanted)

    def use(self, config: CdnConfig) -> None:
        """Put a config in force at once, without rules, however long that takes."""
        blueprint = Blueprint(config)
        number = self._want(blueprint)
        self._adopt(self._draw(blueprint, self._due(blueprint)), number)

    def _want(self, blueprint: Blueprint) -> int:
        self._wanted = blueprint
        self._number += 1
        return self._number

    def _present(self, config_id: int) -> Route | None:
        plan = self.redirects.plan
        return plan.routes.get(config_id) if plan else None

    def _due(self, blueprint: Blueprint) -> list[CdnConfig]:
        """Return the configs whose present routes, if they have any, do not fit any more."""
        due = []
        for config in blueprint.configs.values():
            present = self._present(config.id)
            if present is None or present.config != config or present.usable != self._usable(config):
                due.append(config)
        return due

    def _usable(self, config: CdnConfig) -> Usable:
        parts = {name: part for (owner, name), part in self._parts.items() if owner == config.id}
        return usable(config.document, parts)

    def _draw(self, blueprint: Blueprint, due: list[CdnConfig]) -> Plan:
        routes = {
            config.id: Route(config, self._usable(config), self.books.of(config.id), self._pause) for config in due
        }
        for config_id in blueprint.configs:
            if config_id not in routes and (present := self._present(config_id)):
                routes[config_id] = present
        return Plan(routes[blueprint.default.id], routes, self._book_of(blueprint.rules.rules))

    def _book_of(self, rules: RuleList) -> RuleBook | None:
        known, book = self._drawn_rules
        if known is not rules:
            book = RuleBook(rules, self._places) if rules.rules else None
            self._drawn_rules = rules, book
        return book

    def _adopt(self, plan: Plan, number: int) -> None:
        if number < self._adopted:
            return
        self._adopted = number
        for config_id, route in plan.routes.items():
            before = self._present(config_id)
            if before is None or before.policy.cycle != route.policy.cycle or before.usable != route.usable:
                route.book.follow(route.policy.cycle)
        self.redirects.plan = plan


def _takes_long(config: CdnConfig, serving: Usable) -> bool:
    # Weights of which only a part is left have more slots than those configured.
    weights = serving.weights
    return config.document.policy is PolicyName.STICKY or sum(weights) - max(weights) > LONG
