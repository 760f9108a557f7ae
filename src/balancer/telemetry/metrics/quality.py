"""How players fare as metrics: by target alone, as networks are too many, and codes of players are anybody's."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from balancer.core.quality.aggregates import OTHER
from balancer.core.quality.figures import Figures

_HTTP = "http "
_PLAYER = "player"
_KBPS = 1000 / 8
"""Bytes per second of a kilobit per second."""


def families(found: Mapping[str, Figures]) -> Iterator[Metric]:
    """Yield the figures of each target, by its name, as metrics; what nobody has told has no sample."""

    def gauge(name: str, text: str, labels: list[str], read: Callable[[Figures], Mapping[str, float | None]]) -> Metric:
        family = GaugeMetricFamily(f"balancer_quality_{name}", text, labels=["target", *labels])
        for target, row in sorted(found.items()):
            for label, value in read(row).items():
                if value is not None:
                    family.add_metric([target, label][: 1 + len(labels)], value)
        return family

    text = "Sessions that reported in the last five minutes, over all processes."
    yield gauge("sessions", text, [], lambda row: {"": row.sessions})
    text = "The part of them whose buffer ran empty."
    yield gauge("starved_ratio", text, [], lambda row: {"": row.starved_share})
    text = "How long playback took to start."
    yield gauge(
        "start_seconds",
        text,
        ["percentile"],
        lambda row: {"50": _times(row.start_ms_median, 1e-3), "95": _times(row.start_ms_p95, 1e-3)},
    )
    text = "The throughput that players measured."
    yield gauge(
        "throughput_bytes_per_second",
        text,
        ["percentile"],
        lambda row: {"5": _times(row.throughput_kbps_p5, _KBPS), "50": _times(row.throughput_kbps_median, _KBPS)},
    )
    text = "Sessions that reported an error, added up over steps of ten seconds: a status, or one of the player's own."
    yield gauge("errors", text, ["code"], lambda row: _by_code(row.errors))


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _by_code(errors: Mapping[str, int]) -> dict[str, float]:
    """Add up errors by codes of a closed vocabulary: whoever reports can make up those of players."""
    found: dict[str, float] = {}
    for error, number in errors.items():
        code = error.removeprefix(_HTTP) if error.startswith(_HTTP) else OTHER if error == OTHER else _PLAYER
        found[code] = found.get(code, 0) + number
    return found
