"""The note that goes with a request: what is found out about it on its way, for whoever counts and logs it."""

from dataclasses import dataclass

from litestar.types import Scope

from balancer.core.access.keys import Identity
from balancer.core.errors import BalancerError
from balancer.core.routing.decisions import Decision
from balancer.core.steering.steering import Steered

_KEY = "note"
"""The only key of ours in `scope["state"]`, which the framework and its plugins use as well."""


@dataclass(slots=True)
class Note:
    """What is known of one request.

    Attributes:
        client: The name under which its client is counted.
        identity: Who makes it; None where nobody has asked, or nobody could tell.
        decision: Where a player was sent; None for every other answer.
        is_steering: Whether it is the answer to a session.
        steered: What a session was told; None before a config is known.
        error: What the domain refused it for, if it did.
        problem: The kind of problem that it was answered with, `invalid-input`; None when there was none.
    """

    client: str
    identity: Identity | None = None
    decision: Decision | None = None
    is_steering: bool = False
    steered: Steered | None = None
    error: BalancerError | None = None
    problem: str | None = None


def begin_note(scope: Scope, client: str) -> Note:
    """Begin the note of a request, and return it."""
    note = scope["state"][_KEY] = Note(client)
    return note


def note_of(scope: Scope) -> Note:
    """Return the note of a request, which whoever observes it has begun."""
    note: Note = scope["state"][_KEY]
    return note
