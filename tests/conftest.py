"""What all tests share."""

import os

import pytest
from hypothesis import settings

from balancer.telemetry.logs import make_formatter

# As every process of the program has it; without that, structlog would print.
make_formatter("json", ())

# Each run tries the same examples; with HYPOTHESIS_PROFILE=bench it tries others, and as many as one may wait for.
settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("bench", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the server does."""
    return "asyncio"
