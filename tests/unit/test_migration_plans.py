"""Which revision an operator means, and what is undone on the way."""

import pytest

from balancer.core.storage.migrations import UnknownRevision, resolve, steps_down

KNOWN = ["0001", "0002", "0003"]


@pytest.mark.parametrize(
    ("wanted", "found", "target", "undone"),
    [
        ("head", None, "0003", []),
        ("head", "0003", "0003", []),
        ("base", "0003", None, ["0003", "0002", "0001"]),
        ("base", None, None, []),
        ("0001", "0003", "0001", ["0003", "0002"]),
        ("0002", "0001", "0002", []),
        ("-1", "0003", "0002", ["0003"]),
        ("-3", "0003", None, ["0003", "0002", "0001"]),
        ("+1", None, "0001", []),
        ("+2", "0001", "0003", []),
    ],
)
def test_resolve(wanted: str, found: str | None, target: str | None, undone: list[str]) -> None:
    """A name, an end or a number of steps is one revision, and what lies above it is undone."""
    assert target == resolve(wanted, found, KNOWN)
    assert undone == list(steps_down(found, target, KNOWN))


@pytest.mark.parametrize("wanted", ["banana", "", "1", "-4", "+1", "-", "0003:0001", "0004", "-99999999"])
def test_unknown(wanted: str) -> None:
    """Whatever is no revision is refused, with all that there are."""
    with pytest.raises(UnknownRevision, match=r"base, 0001, 0002, 0003 and head"):
        resolve(wanted, "0003", KNOWN)
