"""What people write about keys."""

from datetime import UTC, datetime

import pytest

from balancer.core.access.keys import read_time

NOON = datetime(2027, 6, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2027-06-30", datetime(2027, 6, 30, tzinfo=UTC)), ("2027-06-30T12:00:00", NOON), ("2027-06-30 12:00", NOON),
        ("2027-06-30T12:00:00Z", NOON), ("2027-06-30T14:00:00+02:00", NOON), ("20270630T120000Z", NOON),
    ],
)  # fmt: skip
def test_times(text: str, time: datetime) -> None:
    """A time is one of ISO 8601, in UTC unless it has an offset; a date is the midnight that begins it."""
    assert (time, UTC) == ((found := read_time(text)), found.tzinfo)


@pytest.mark.parametrize("text", ["", "soon", "2027", "30.06.2027", "2027-02-30", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time(text: str) -> None:
    """Anything else is an error, as is a year that there is not in UTC."""
    with pytest.raises(ValueError, match=r"."):
        read_time(text)
