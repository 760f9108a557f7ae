"""Steps are made one after the other; where one fails, those before it are taken back."""

from collections.abc import Callable

from balancer.cli.declared.steps import Step, Undo, Work
from balancer.cli.endings import FAILED
from balancer.cli.remote.remedies import CannotDo, explained
from balancer_client import ClientError, OutcomeUnknown, Unreachable


def apply_steps(steps: list[Step], work: Work, advance: Callable[[], None]) -> None:
    """Make all steps, or none as far as that is possible.

    Args:
        steps: In their order.
        work: What they share.
        advance: Is called after each.

    Raises:
        CannotDo: With what failed, and whether everything before it was taken back.
    """
    done: list[tuple[Step, Undo]] = []
    for step in steps:
        try:
            done.append((step, step.do(work)))
        except (ClientError, KeyboardInterrupt) as error:
            failed = f"Could not {step.verb} {step.what}: {_line(error)}"
            if isinstance(error, OutcomeUnknown | Unreachable | KeyboardInterrupt):
                failed += " It may have been done."
            raise CannotDo(" ".join([failed, *_take_back(done)]), _code(error)) from error
        advance()


def _take_back(done: list[tuple[Step, Undo]]) -> list[str]:
    """Take steps back, the last one first, and return what is to be said of it."""
    if not done:
        return ["Nothing else was changed."]
    left = []
    for step, undo in reversed(done):
        try:
            undo()
        except ClientError as error:
            left.append(f"{step.what}: {_line(error)}")
    if not left:
        return ["Everything before it was taken back."]
    return ["These could not be taken back, look at their history:", "; ".join(left)]


def _line(error: BaseException) -> str:
    found = explained(error) if isinstance(error, ClientError) else None
    return found[0] if found else "it was interrupted."


def _code(error: BaseException) -> int:
    found = explained(error) if isinstance(error, ClientError) else None
    return found[1] if found else FAILED
