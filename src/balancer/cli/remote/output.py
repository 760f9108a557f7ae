"""How answers look: tables for people, which fit 80 columns, and JSON or YAML for programs."""

import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 80
"""Columns, where there is no terminal that says how many it has."""

BAR = 20
"""Columns of a bar that stands for everything."""

_EIGHTHS = " ▏▎▍▌▋▊▉"

# JSON leaves these as they are, and terminals obey them.
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# Fields whose values are times, and a time in UTC as Python writes it.
_TIME_FIELD = re.compile(r"(?:\w*_)?(?:at|since)|begin|end")
_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00:00")


class Format(StrEnum):
    """How to print an answer."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def as_data(data: Any, form: Format) -> str:
    """Return an answer for programs, with its last line break; times end in `Z`, as the API has them."""
    data = _with_times(data)
    if form is Format.YAML:
        return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _with_times(data: Any, field: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _with_times(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_with_times(value) for value in data]
    if isinstance(data, str) and _TIME_FIELD.fullmatch(field) and (found := _UTC.fullmatch(data)):
        return f"{found[1]}Z"
    return data


def as_text(shown: RenderableType) -> str:
    """Return what people see, with its last line break; in colours only on a terminal, and not with `NO_COLOR`."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    console = console_of(is_terminal=is_terminal)
    with console.capture() as captured:
        console.print(shown)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def console_of(*, is_terminal: bool) -> Console:
    """Return what draws: as wide as the terminal, else 80 columns."""
    return Console(
        file=sys.stdout if is_terminal else io.StringIO(),
        width=None if is_terminal else WIDTH,
        force_terminal=is_terminal,
        markup=False,
        emoji=False,
        highlight=False,
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> Table:
    """Return a table; what is too long for its column goes on in the next line.

    Args:
        headings: Of the columns.
        rows: Their cells.
        right: The headings of columns of numbers.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    numbers = set(right)
    for heading in headings:
        made.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(each if isinstance(each, Text) else cell(each) for each in row))
    return made


def cell(value: object, style: str = "") -> Text:
    """Return a value as it stands in a table, without what a terminal would obey."""
    if value is None or value == "":
        return Text("-", style)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text), style)


def percent(share: float | None) -> str:
    """Return a share from 0 to 1 in percent, as short as two places allow."""
    return "-" if share is None else f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def bar(share: float) -> Text:
    """Return a share from 0 to 1 as a bar."""
    eighths = round(max(0.0, min(1.0, share)) * BAR * 8)
    rest = _EIGHTHS[eighths % 8] if eighths % 8 else ""
    return Text("█" * (eighths // 8) + rest, "cyan")


def plain(value: object) -> str:
    """Return a value of a change as it stands beside others."""
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
