"""What a process counts. Labels come from closed vocabularies and from configs, never from what clients send."""

from bisect import bisect_left
from time import monotonic

from balancer.core.refusals import RefusalReason
from balancer.core.routing.routes import Route
from balancer.core.steering.steering import Steered
from balancer.telemetry.metrics.board import Slot

REDIRECT_BOUNDS = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1.0)
"""Upper bounds in seconds of the classes of latency: the fast lane takes microseconds, the application milliseconds."""

STORE_BOUNDS = (2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The same for a call to a store: a local one takes less than a millisecond, and none is waited for much longer."""

BETWEEN = 0.001
"""Seconds between two redirects that are timed."""

MAX_STEERED = 1_000
"""Routes and targets whose cells are remembered; a plan has few, and those of old plans are not asked for."""

_SUM = len(REDIRECT_BOUNDS) + 1
_STORE_SUM = len(STORE_BOUNDS) + 1


class Meters:
    """Counts in the slot of this process.

    Args:
        slot: Where the numbers stand.

    Attributes:
        slot: As above.
        words: Its numbers.
        due: From when on a redirect is timed, by the monotonic clock.
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.words = slot.words
        self.due = 0.0
        self._times = slot.cells("timed", size=len(REDIRECT_BOUNDS) + 2)
        # By config, the route that came last.
        self._latest: dict[int, Route] = {}
        # Where answers to sessions are counted: by route, target, and whether the session is new or moves.
        self._steered: dict[tuple[Route, int, bool, bool], tuple[int, int]] = {}
        self._refused = {reason: slot.cells("refused", reason) for reason in RefusalReason}
        # By what was asked and status, where answers are counted.
        self._answered: dict[tuple[str, int], int] = {}

    def redirected(self, route: Route, index: int, begun: float) -> None:
        """Count a redirect. The fast lane has these lines itself, to save the call.

        Args:
            route: By which it was decided.
            index: Of its target.
            begun: When its request came, by the monotonic clock.
        """
        cells = route.cells
        if cells is None or begun >= self.due:
            cells = self.find_cells(route, begun)
        self.words[cells[index]] += 1

    def find_cells(self, route: Route, begun: float) -> list[int]:
        """Return where the redirects of a route are counted, by target index, and time one that is due.

        One in `BETWEEN` seconds is: to time each would cost more than all the rest of counting it.
        """
        if begun >= self.due:
            self.due = begun + BETWEEN
            seconds = monotonic() - begun
            self.words[self._times + bisect_left(REDIRECT_BOUNDS, seconds)] += 1
            self.words[self._times + _SUM] += seconds
        return self._cells_of(route) if route.cells is None else route.cells

    def refused(self, reason: RefusalReason) -> None:
        """Count a player's request that was refused."""
        self.words[self._refused[reason]] += 1

    def cells_of_refusal(self, status: int, reason: RefusalReason | None) -> tuple[int, ...]:
        """Return where a player's requests are counted that are refused: what `answered` and `refused` count."""
        cell = self._cell_of_answer("player", status)
        return (cell,) if reason is None else (cell, self._refused[reason])

    def limited(self, policy: str) -> None:
        """Count a request of a client that asked too often."""
        self.words[self.cell_of_limited(policy)] += 1

    def cell_of_limited(self, policy: str) -> int:
        """Return where requests are counted of clients that asked too often."""
        return self.slot.cells("limited", policy)

    def answered(self, surface: str, status: int) -> None:
        """Count an answer but that of a redirect.

        Args:
            surface: What was asked: one of a closed vocabulary, as `player` or `admin`.
            status: Of the answer.
        """
        self.words[self._answered.get((surface, status)) or self._cell_of_answer(surface, status)] += 1

    def _cell_of_answer(self, surface: str, status: int) -> int:
        cell = self._answered[surface, status] = self.slot.cells("answered", surface, f"{status // 100}xx")
        return cell

    def steered(self, steered: Steered | None) -> None:
        """Count what a session was told; None where there was nothing to tell yet."""
        if steered is None:
            self._count("answered", "steering", "2xx")
            return
        route, _, first, _, _, is_new, has_moved = steered
        key = route, first, is_new, has_moved
        cells = self._steered.get(key)
        if cells is None:
            if len(self._steered) >= MAX_STEERED:
                self._steered.clear()
            config, event = route.config, "new" if is_new else "moved" if has_moved else "kept"
            name = config.document.targets[first].name
            steered_cell = self.slot.cells("steered", str(config.id), name, event)
            cells = self._steered[key] = self.slot.cells("answered", "steering", "2xx"), steered_cell
        answered, told = cells
        self.words[answered] += 1
        self.words[told] += 1

    def turned_away(self) -> None:
        """Count a connection for which there was no room."""
        self._count("turned-away")

    def failed_to_authenticate(self) -> None:
        """Count credentials that were not accepted."""
        self._count("unauthenticated")

    def called(self, store: str, operation: str, seconds: float, *, failed: bool) -> None:
        """Count a call to a store and how long it took."""
        cell = self.slot.cells("called", store, operation, size=len(STORE_BOUNDS) + 2)
        self.words[cell + bisect_left(STORE_BOUNDS, seconds)] += 1
        self.words[cell + _STORE_SUM] += seconds
        failures = self.slot.cells("failed", store, operation)
        self.words[failures] += failed

    def probed(self, result: str, seconds: float) -> None:
        """Count a probe of a target and how long it took.

        Args:
            result: `ok`, or why it failed: one of a closed vocabulary.
            seconds: Until that was known.
        """
        self._count("probed", result)
        cell = self.slot.cells("probe-timed", size=len(STORE_BOUNDS) + 2)
        self.words[cell + bisect_left(STORE_BOUNDS, seconds)] += 1
        self.words[cell + _STORE_SUM] += seconds

    def judged(self, verdict: str) -> None:
        """Count a new verdict about a target."""
        self._count("judged", verdict)

    def moved(self, config: int, why: str) -> None:
        """Count a move of share by the loop of a config."""
        self._count("loop-moved", str(config), why)

    def leased(self, tickets: int) -> None:
        """Count tickets that were leased from the shared sequence."""
        self.words[self.slot.cells("leased")] += tickets

    def show(self, name: str, value: float, *labels: str) -> None:
        """Show how something is now, until the process ends."""
        self.words[self.slot.cells(name, *labels, passing=True)] = value

    def tell(self, name: str, total: float, *labels: str) -> None:
        """Bring a count up to what this process has counted elsewhere, beside what earlier ones had counted."""
        before = self.slot.cells(f"{name}-here", *labels, passing=True)
        self.words[self.slot.cells(name, *labels)] += total - self.words[before]
        self.words[before] = total

    def _count(self, name: str, *labels: str) -> None:
        self.words[self.slot.cells(name, *labels)] += 1

    def _cells_of(self, route: Route) -> list[int]:
        """Find the cells of a route's targets; for a new edition, note how much they had when it came in force."""
        words, config = self.words, str(route.config.id)
        cells = []
        for target in route.config.document.targets:
            cell = self.slot.cells("redirected", config, target.name)
            mark = self.slot.cells("before-edition", config, target.name, size=2)
            if words[mark] != route.edition:
                words[mark + 1] = words[cell]
                words[mark] = route.edition
            cells.append(cell)
        if (before := self._latest.get(route.config.id)) is not None:
            # Should it come in force again, that is a new edition too.
            before.cells = None
        self._latest[route.config.id] = route
        route.cells = cells
        return cells
