"""What the core knows of time: others read the clock, and pass in what it says."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Gives the present time, aware and in UTC."""

Stopwatch = Callable[[], float]
"""Gives seconds that never run backwards."""
