"""The loop as options change it: `--loop on`, `--bound slope=10`, `--bound cdn-a.min=5`."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from balancer.cli.loops import FIELDS, TARGET_FIELDS
from balancer.cli.remote.remedies import CannotDo
from balancer_client.models import Loop, LoopPatch

STATES = ("on", "off", "frozen")

_BOUND = re.compile(r"(?:([a-z0-9-]{1,32})\.)?([a-z_]{1,32})=([0-9]{1,9}(?:\.[0-9]{1,9})?)")


class LoopEdits(NamedTuple):
    """What is to become of the loop.

    Attributes:
        state: One of `STATES`; None leaves it as it is, or switches it on where there are bounds.
        bounds: `slope=10`, `cdn-a.min=5`.
    """

    state: str | None
    bounds: Sequence[str]

    def apply(self, loop: Loop | None) -> LoopPatch | None:
        """Return what changes of a loop, None to switch it off; one at least is given.

        Raises:
            CannotDo: When an option is not what it has to be.
        """
        if self.state == "off":
            if self.bounds:
                raise CannotDo("--loop off takes no --bound: without the loop there are none.")
            return None
        patch: dict[str, Any] = {} if self.state is None else {"is_frozen": self.state == "frozen"}
        # These are replaced as a whole, so those that stay must be sent again.
        targets = {target["name"]: target for target in (loop.to_dict().get("targets", []) if loop else [])}
        for text in self.bounds:
            name, field, value = _read(text)
            if name is None:
                patch[field] = value
            else:
                targets.setdefault(name, {"name": name})[field] = value
                patch["targets"] = list(targets.values())
        return LoopPatch.from_dict(patch)


def _read(text: str) -> tuple[str | None, str, float]:
    found = _BOUND.fullmatch(text)
    if not found:
        raise CannotDo(f"--bound '{text}' is not understood; it looks like --bound slope=10 or --bound cdn-a.min=5.")
    name, field, value = found.groups()
    known = FIELDS if name is None else TARGET_FIELDS
    if field not in known:
        whose = "The loop" if name is None else "A target"
        raise CannotDo(f"{whose} has no bound '{field}'; it has: {', '.join(known)}.")
    return name, field, float(value) if "." in value else int(value)
