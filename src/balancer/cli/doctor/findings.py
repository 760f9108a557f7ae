"""What the doctor finds."""

from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How bad something is; the worst counts."""

    OK = 0
    WARN = 1
    FAIL = 2


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        level: How it is.
        subject: What it is: `database`, `target cdn-a of config 1`.
        text: What was found.
        advice: What to do; empty where nothing is to be done, or where the text says it.
    """

    level: Level
    subject: str
    text: str
    advice: str = ""
