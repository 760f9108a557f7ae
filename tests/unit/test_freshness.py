"""For how long an answer may be used."""

import pytest

from balancer.core.manifests.freshness import MAX_FRESH, Freshness, freshness_of


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Freshness(True, 0.0)),
        ({"cache-control": "max-age=60"}, Freshness(True, 60.0)),
        ({"cache-control": 'Public, MAX-AGE="60"'}, Freshness(True, 60.0)),
        ({"cache-control": "max-age=60, s-maxage=5"}, Freshness(True, 5.0)),
        ({"cache-control": "max-age=60", "age": "20"}, Freshness(True, 40.0)),
        ({"cache-control": "max-age=60", "age": "90"}, Freshness(True, 0.0)),
        ({"cache-control": "max-age=60", "age": "x"}, Freshness(True, 60.0)),
        ({"cache-control": "max-age=99999999"}, Freshness(True, MAX_FRESH)),
        ({"cache-control": "max-age=-1"}, Freshness(True, 0.0)),
        ({"cache-control": "max-age=60, no-cache"}, Freshness(True, 0.0)),
        ({"cache-control": "no-store, max-age=60"}, Freshness(False, 0.0)),
        ({"cache-control": "private"}, Freshness(False, 0.0)),
        ({"cache-control": ",,=;\x00"}, Freshness(True, 0.0)),
    ],
)
def test_freshness(fields: dict[str, str], expected: Freshness) -> None:
    """An answer is used for as long as it says to shared caches, and no longer than an hour."""
    assert expected == freshness_of(fields)
