"""The numbers of a service as Prometheus reads them, in its text format or in OpenMetrics.

Names and labels follow https://prometheus.io/docs/practices/naming/; the formats are the library's.
"""

import math
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from typing_extensions import override

from balancer import __version__
from balancer.core.clocks import Clock, Stopwatch
from balancer.telemetry.metrics.board import OTHER, Board, Entry, View
from balancer.telemetry.metrics.meters import REDIRECT_BOUNDS, STORE_BOUNDS
from balancer.telemetry.metrics.quality import families as quality_families
from balancer.telemetry.metrics.reporting import Reporting
from balancer.telemetry.metrics.targets import TargetNumbers, TargetsHealth, families

OPENMETRICS = "application/openmetrics-text"

LIFETIME = 1.0
"""Seconds for which a text counts: a scrape of many workers costs milliseconds, and anybody may ask for one."""

Labels = tuple[str, ...]


class Exposition:
    """Writes the numbers down, each format once a second at most, however often this process is asked.

    Workers do not share the text: to write some hundred kilobytes that others read meanwhile would take a lock between
    processes, which a killed one could keep, to save each worker a five-hundredth of its time.

    Args:
        board: Has the numbers of all workers.
        reporting: Brings those of this process up to date.
        clock: Tells the time.
        stopwatch: Tells how old a text is.
        targets: Tells how the targets are.
    """

    def __init__(
        self, board: Board, reporting: Reporting, clock: Clock, stopwatch: Stopwatch, targets: TargetNumbers
    ) -> None:
        self._board = board
        self._reporting = reporting
        self._targets = targets
        self._clock = clock
        self._stopwatch = stopwatch
        # By whether it is OpenMetrics: when it was written, the text and its media type.
        self._written: dict[bool, tuple[float, bytes, str]] = {}

    def read(self, accept: str) -> tuple[bytes, str]:
        """Return the text and its media type.

        Args:
            accept: As for `render`.
        """
        named, now = _names_open_metrics(accept), self._stopwatch()
        written = self._written.get(named)
        if written is None or now - written[0] >= LIFETIME:
            self._reporting.report()
            moment = self._clock().timestamp()
            text, media_type = render(self._board.read(), __version__, moment, accept, self._targets.read())
            written = self._written[named] = (now, text, media_type)
        return written[1:]


NO_TARGETS = TargetsHealth()
"""Stands for targets of which nothing is watched."""


def render(
    views: Sequence[View], version: str, now: float, accept: str, targets: TargetsHealth = NO_TARGETS
) -> tuple[bytes, str]:
    """Return the text and its media type.

    Args:
        views: Of all slots of the service.
        version: Of the program.
        now: Seconds since 1970.
        accept: What the client takes, a header of HTTP: OpenMetrics if it names that, else the text format.
        targets: How they are.
    """
    # Only the name counts: what else the client says of it would come back in the answer.
    encode, media_type = choose_encoder(f"{OPENMETRICS}; version=1.0.0" if _names_open_metrics(accept) else "")
    return encode(_Service(views, version, now, targets)), media_type


def _names_open_metrics(accept: str) -> bool:
    return any(part.strip().startswith(OPENMETRICS) for part in accept.split(","))


class _Service(Collector):
    def __init__(self, views: Sequence[View], version: str, now: float, targets: TargetsHealth) -> None:
        self._views = views
        self._targets = targets
        self._alive = [view for view in views if view.alive]
        self._version = version
        self._now = now

    @override
    def collect(self) -> Iterator[Metric]:
        yield from self._players()
        yield from self._shares()
        yield from self._tickets()
        yield from self._answers()
        yield from self._stores()
        yield from self._probes()
        yield from families(self._targets)
        yield from self._reports()
        yield from self._processes()

    def _players(self) -> Iterator[Metric]:
        redirects = self._sums("redirected")
        yield _counter("redirects", "Players that were redirected.", ["config", "target"], redirects)
        text = "From a request's bytes to its answer, of the first redirect in each turn of an event loop."
        yield _histogram("redirect_duration_seconds", text, [], REDIRECT_BOUNDS, self._times("timed"))
        for name, text, what, label in (
            ("refusals", "Players that were refused.", "refused", "reason"),
            ("rate_limited_requests", "Requests of clients that asked too often.", "limited", "policy"),
        ):
            yield _counter(name, text, [label], self._sums(what))

    def _shares(self) -> Iterator[Metric]:
        editions = self._editions()
        configured: dict[Labels, float] = {}
        served: Counter[Labels] = Counter()
        for view in self._views:
            here = {(entry.name, *entry.labels): entry for entry in view.entries}
            for entry in view.entries:
                # Those that could not be told apart have no share in common.
                if OTHER in entry.labels:
                    continue
                if entry.name not in {"share", "before-edition"}:
                    continue
                config = entry.labels[0]
                edition = here.get(("edition", config))
                if entry.name == "share" and view.alive and edition and edition.values[0] == editions.get(config):
                    configured[entry.labels] = entry.values[0]
                redirects = here.get(("redirected", *entry.labels))
                if entry.name == "before-edition" and entry.values[0] == editions.get(config) and redirects:
                    served[entry.labels] += round(redirects.values[0] - entry.values[1])
        whole: Counter[str] = Counter()
        for (config, _), count in served.items():
            whole[config] += count
        known = {labels: share for labels, share in configured.items() if not math.isnan(share)}
        labels = ["config", "target"]
        yield _gauge("share_configured_ratio", "The part of the redirects that a target is to have.", labels, known)
        yield _gauge(
            "share_served_ratio",
            "The part that it has had since that is so.",
            labels,
            {(config, target): served[config, target] / whole[config] for config, target in known if whole[config]},
        )
        yield _gauge(
            "revision_redirects",
            "Redirects since the configured share is what it is: since the last change, or verdict about a target.",
            labels,
            {name: served[name] for name in known},
        )

        for name, text, label in (
            ("config_policy", "How the requests of a config are spread: 1 for its policy.", "policy"),
            ("config_routing_reason", "Why they go where they go at the moment: 1 for the reason.", "reason"),
        ):
            values = {entry.labels: entry.values[0] for entry in self._present(name) if entry.values[0]}
            yield _gauge(name, text, ["config", label], values)

    def _editions(self) -> dict[str, float]:
        """Return for each config the edition that most workers have of its newest revision."""
        found: dict[str, Counter[float]] = {}
        for entry in self._present("edition"):
            found.setdefault(entry.labels[0], Counter())[entry.values[0]] += 1
        return {
            config: max(counts, key=lambda edition: (int(edition), counts[edition])) for config, counts in found.items()
        }

    def _tickets(self) -> Iterator[Metric]:
        yield _counter("tickets_leased", "Tickets taken from the shared sequence.", [], self._sums("leased", ()))
        yield _counter("tickets_used", "Tickets handed out, by where they came from.", ["source"], self._sums("taken"))

    def _answers(self) -> Iterator[Metric]:
        answers = self._sums("answered")
        answers["player", "3xx"] += self._sums("redirected").total()
        yield _counter("http_responses", "Answers by what was asked and by status.", ["surface", "code"], answers)
        text = "Answers to sessions, by the target that comes first in them: new ones, kept there, or moved there."
        yield _counter("steering_answers", text, ["config", "target", "event"], self._sums("steered"))
        yield _counter("authentication_failures", "Credentials refused.", [], self._sums("unauthenticated", ()))

    def _stores(self) -> Iterator[Metric]:
        labels = ["store", "operation"]
        times = self._times("called")
        yield _histogram("store_call_duration_seconds", "Calls to stores.", labels, STORE_BOUNDS, times)
        yield _counter("store_errors", "Calls that a store did not answer.", labels, self._sums("failed"))
        fallbacks: dict[Labels, float] = defaultdict(float)
        for entry in self._present("fallback"):
            fallbacks[entry.labels] += entry.values[0]
        yield _gauge("fallback_workers", "Workers that go on without a store.", ["fallback"], fallbacks)

    def _probes(self) -> Iterator[Metric]:
        yield _counter("probes", "Probes of targets, by what they found.", ["result"], self._sums("probed"))
        times = self._times("probe-timed")
        yield _histogram("probe_duration_seconds", "How long probes took.", [], STORE_BOUNDS, times)
        text = "New verdicts about targets, by what they are."
        yield _counter("verdict_changes", text, ["verdict"], self._sums("judged"))
        text = "Moves of share by the loop of a config, by why."
        yield _counter("loop_moves", text, ["config", "why"], self._sums("loop-moved"))
        leads = sum(entry.values[0] for entry in self._present("prober-leads"))
        yield _gauge("prober_leader", "Whether one of the workers probes the targets.", [], {(): leads})

    def _reports(self) -> Iterator[Metric]:
        text = "Reports of players that were read."
        yield _counter("quality_reports", text, [], self._sums("heard", ()))
        text = "Reports of players that could not be read, or were too many in one body."
        yield _counter("quality_malformed_reports", text, [], self._sums("malformed", ()))
        yield from quality_families(self._targets.quality)

    def _processes(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "balancer_build", "What runs.", {"version": self._version, "python": platform.python_version()}
        )
        yield _gauge("workers", "Workers that are alive.", [], {(): len(self._alive)})
        yield _counter("worker_starts", "Workers ever begun.", [], {(): sum(view.starts for view in self._views)})
        deaths = sum(view.deaths for view in self._views)
        yield _counter("worker_deaths", "Workers that were killed or crashed, and were replaced.", [], {(): deaths})
        connections = sum(entry.values[0] for entry in self._present("connections"))
        yield _gauge("connections", "Open connections of clients.", [], {(): connections})
        room = sum(entry.values[0] for entry in self._present("connection-limit"))
        yield _gauge("connections_limit", "Connections that the workers may have together.", [], {(): room})
        away = self._sums("turned-away", ())
        yield _counter("connections_refused", "Connections for which there was no room.", [], away)
        dropped = self._sums("lines-dropped", ())
        yield _counter("log_lines_dropped", "Lines that the log could not take in time.", [], dropped)
        revisions: dict[Labels, float] = {}
        ages: dict[Labels, float] = {}
        for view in self._alive:
            for entry in view.entries:
                if entry.name == "revision":
                    revisions[str(view.number),] = entry.values[0]
                if entry.name == "confirmed":
                    ages[str(view.number),] = max(0.0, self._now - entry.values[0])
        yield _gauge("config_revision", "The revision in force.", ["worker"], revisions)
        text = "Since the record last confirmed the config in force, or since the start."
        yield _gauge("config_age_seconds", text, ["worker"], ages)

    def _entries(self, name: str) -> Iterator[Entry]:
        return (entry for view in self._views for entry in view.entries if entry.name == name)

    def _present(self, name: str) -> Iterator[Entry]:
        return (entry for view in self._alive for entry in view.entries if entry.name == name)

    def _sums(self, name: str, *known: Labels) -> Counter[Labels]:
        """Add up what all slots have counted; what is known without having been counted is 0."""
        sums: Counter[Labels] = Counter(dict.fromkeys(known, 0))
        for entry in self._entries(name):
            sums[entry.labels] += round(entry.values[0])
        return sums

    def _times(self, name: str) -> dict[Labels, list[float]]:
        """Add up the classes of a histogram, with its sum of seconds behind them."""
        sums: dict[Labels, list[float]] = {}
        for entry in self._entries(name):
            before = sums.get(entry.labels, [0.0] * len(entry.values))
            sums[entry.labels] = [one + other for one, other in zip(before, entry.values, strict=True)]
        return sums


def _counter(name: str, text: str, labels: list[str], values: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(f"balancer_{name}", text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _gauge(name: str, text: str, labels: list[str], values: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(f"balancer_{name}", text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _histogram(
    name: str, text: str, labels: list[str], bounds: Iterable[float], values: Mapping[Labels, list[float]]
) -> Metric:
    family = HistogramMetricFamily(f"balancer_{name}", text, labels=labels)
    edges = [*map(str, bounds), "+Inf"]
    for key, cells in sorted(values.items()):
        family.add_metric(key, list(zip(edges, accumulate(cells[:-1]), strict=True)), cells[-1])
    return family
