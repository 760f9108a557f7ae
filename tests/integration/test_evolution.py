"""Clients of the last release go on with this one."""

import re
from pathlib import Path

import httpx
import pytest

from tests.evolution import breaking
from tests.openapi import served
from tests.processes import Balancer

DELIBERATE = {
    # The simple view of a config that the last release could not make: with other targets than an origin and a CDN.
    r".*\.(cdn_host|distribution_rate) may be null now",
    # Values of fields that the last release did not have, such as `slow_start` and `enabled`.
    r".*\.changes\[\]\.(before|after) may be (number|boolean) now",
}
"""Breaks that are meant to be, each with its reason; empty it when the last release is another one."""


@pytest.mark.long
def test_clients_of_the_last_release(last_release: dict[str, str], tmp_path: Path) -> None:
    """The OpenAPI document breaks nothing that the last release's promises, but for what is listed here."""
    with Balancer(tmp_path, last_release) as balancer:
        old = httpx.get(f"{balancer.url}/schema/openapi.json").raise_for_status().json()
    breaks = list(breaking(old, served()))
    assert [] == [one for one in breaks if not any(re.fullmatch(known, one) for known in DELIBERATE)]
    # What is listed here and is no break any more would hide the next one.
    assert set() == {known for known in DELIBERATE if not any(re.fullmatch(known, one) for one in breaks)}
