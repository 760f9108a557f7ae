"""Placeholder."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from balancer.core.configs.documents import ConfigDocument
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.schedules import lay_out
from balancer.core.routing.usable import Usable


class Choice(NamedTuple):
    index: int
    reason: RoutingReason


class Policy:
    needs_key = False

    def __init__(self, usable: Usable) -> None:
        self.schedule = lay_out(usable.weights)
        self.cycle = len(self.schedule)
        self.weights = usable.weights
        self.reason = RoutingReason.ONLY_TARGET if self.cycle in self.weights else RoutingReason.SCHEDULE
        self.shares: Sequence[float] = [weight / self.cycle for weight in usable.weights]
        self._choices = [Choice(index, self.reason) for index in range(len(usable.weights))]

    def choose(self, key: bytes, ticket: int) -> Choice:
        return self._choices[self.schedule[ticket % self.cycle]]

    def counts(self, requests: int) -> Sequence[int]:
        cycles, rest = divmod(requests, self.cycle)
        begun = self.schedule[1 : rest + 1]
        return [cycles * weight + begun.count(index) for index, weight in enumerate(self.weights)]


def policy_of(document: ConfigDocument, usable: Usable, pause: Callable[[], None] | None = None) -> Policy:
    return Policy(usable)
