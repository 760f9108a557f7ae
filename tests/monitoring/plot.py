"""The dashboard as a picture: its panels in their places, drawn from the answers of Prometheus."""

import math
import re
from datetime import UTC, datetime
from html import escape
from typing import Any

from tests.monitoring.dashboard import expressions, panels
from tests.prometheus import Prometheus, Series

COLUMN, ROW, GAP = 50, 30, 8
"""Pixels of a column and of a row of the dashboard's grid, and between panels."""

HEAD = 44
COLOURS = ["#1f6feb", "#d9730d", "#2e9e5b", "#b3261e", "#7a4fd0", "#0f9ba8", "#a8871a", "#c2418f", "#5b6470"]
LEGEND = 5
"""Series that are named; more than that are counted."""

UNITS = {"percentunit": (100, " %"), "s": (1e3, " ms"), "reqps": (1, "/s")}


def draw(prometheus: Prometheus, start: float, end: float, step: float, events: list[tuple[float, str]]) -> str:
    """Return the picture, an SVG.

    Args:
        prometheus: What is asked.
        start: The beginning, in seconds since 1970; so is `end`.
        end: The end.
        step: Seconds between two points.
        events: What was done when.
    """
    parts = []
    for panel in panels():
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP, place["y"] * ROW + GAP + HEAD
        width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        parts += [
            f'<g transform="translate({x} {y})">',
            f'<rect width="{width}" height="{height}" rx="4" fill="#fff" stroke="#d5dae1"/>',
            f'<text x="10" y="18" font-weight="bold">{escape(panel["title"])}</text>',
        ]
        if panel["type"] == "stat":
            parts += _number(panel, prometheus, end, width, height)
        else:
            asked = expressions(panel, "15s")
            found = [
                (_name(target["legendFormat"], series), series)
                for target, expression in zip(panel["targets"], asked, strict=True)
                for series in prometheus.query_range(expression, start, end, step)
            ]
            parts += _lines(found, panel["fieldConfig"]["defaults"]["unit"], (start, end), (width, height), events)
        parts.append("</g>")
    bottom = max((panel["gridPos"]["y"] + panel["gridPos"]["h"]) for panel in panels()) * ROW + HEAD + 2 * GAP
    when = datetime.fromtimestamp(end, UTC)
    said = " · ".join(f"{number} {text}" for number, (_, text) in enumerate(events, 1))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * COLUMN + GAP} {bottom}" '
            'font-family="sans-serif" font-size="12" fill="#1a1a1a" role="img" aria-label="The dashboard">',
            '<rect width="100%" height="100%" fill="#f4f5f7"/>',
            f'<text x="{GAP}" y="20" font-size="15" font-weight="bold">Video balancer</text>',
            f'<text x="{GAP}" y="40">{end - start:.0f} seconds on {when:%Y-%m-%d}: {escape(said)}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _number(panel: dict[str, Any], prometheus: Prometheus, end: float, width: int, height: int) -> list[str]:
    (expression,) = expressions(panel, "15s")
    (series, *_) = prometheus.query_range(expression, end, end, 1)
    text = _text(series.values[-1][1], panel["fieldConfig"]["defaults"]["unit"])
    if panel["options"].get("textMode") == "name":
        text = _name(panel["targets"][0]["legendFormat"], series)
    size = 26 if len(text) < width / 20 else 15
    place = f'x="{width / 2}" y="{height / 2 + 20}"'
    return [f'<text {place} font-size="{size}" text-anchor="middle" fill="#2e9e5b">{escape(text)}</text>']


def _lines(
    found: list[tuple[str, Series]],
    unit: str,
    span: tuple[float, float],
    size: tuple[int, int],
    events: list[tuple[float, str]],
) -> list[str]:
    width, height = size
    left, top, right, bottom = 58, 28, width - 10, height - 36
    most = max((value for _, series in found for _, value in series.values if math.isfinite(value)), default=0) or 1.0

    def x(time: float) -> float:
        return left + (time - span[0]) / (span[1] - span[0]) * (right - left)

    def y(value: float) -> float:
        return bottom - value / most * (bottom - top)

    parts = []
    for tick in (0.0, most / 2, most):
        parts += [
            f'<path d="M{left} {y(tick):.1f}H{right}" stroke="#e6e9ee"/>',
            f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" font-size="10">{_text(tick, unit)}</text>',
        ]
    for number, (time, _) in enumerate(events, 1):
        parts += [
            f'<path d="M{x(time):.1f} {top}V{bottom}" stroke="#9aa4b2" stroke-dasharray="2 3"/>',
            f'<text x="{x(time) + 2:.1f}" y="{top + 8}" font-size="9" fill="#7a828e">{number}</text>',
        ]
    for number, (name, series) in enumerate(found):
        points = [(x(time), y(value)) for time, value in series.values if math.isfinite(value)]
        if points:
            path = "M" + "L".join(f"{across:.0f} {down:.1f}" for across, down in points)
            dashes = ' stroke-dasharray="6 4"' if name.endswith("configured") else ""
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>')
    return parts + _legend([name for name, _ in found], width, height)


def _legend(names: list[str], width: int, height: int) -> list[str]:
    at, parts = 10.0, []
    rest = len(names) - LEGEND
    for number, name in enumerate([*names[:LEGEND], f"and {rest} more"] if rest > 0 else names):
        needed = 6.2 * len(name) + 18
        if at + needed > width:
            break
        if number < LEGEND:
            parts.append(f'<rect x="{at}" y="{height - 18}" width="10" height="3" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{at + 13}" y="{height - 12}" font-size="10">{escape(name)}</text>')
        at += needed
    return parts


def _name(template: str, series: Series) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: series.labels.get(found[1], ""), template)


def _text(value: float, unit: str) -> str:
    factor, word = UNITS.get(unit, (1, ""))
    return f"{value * factor:,.4g}{word}" if abs(value * factor) < 1e4 else f"{value * factor:,.0f}{word}"
