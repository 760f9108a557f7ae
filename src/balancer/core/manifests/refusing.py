"""What all manifests that cannot be steered have in common: how they are refused, and how large one may be."""

from balancer.core.errors import NotSteerable, SteeringObstacle

MAX_MANIFEST = 2 * 1024 * 1024
"""Bytes of a manifest that is read."""


def not_a_manifest(fault: str) -> NotSteerable:
    """Return the error of what is no manifest at all."""
    return NotSteerable(SteeringObstacle.NOT_A_MANIFEST, fault)


def malformed(fault: str) -> NotSteerable:
    """Return the error of a manifest that breaks the rules of its format."""
    return NotSteerable(SteeringObstacle.MALFORMED, fault)


def unsupported(fault: str) -> NotSteerable:
    """Return the error of a sound manifest that cannot be made the same at every pathway."""
    return NotSteerable(SteeringObstacle.UNSUPPORTED, fault)


def steered_already(fault: str) -> NotSteerable:
    """Return the error of a manifest that has pathways of its own."""
    return NotSteerable(SteeringObstacle.STEERED_ALREADY, fault)


def too_large(fault: str) -> NotSteerable:
    """Return the error of a manifest that is larger, or would be, than anybody reads."""
    return NotSteerable(SteeringObstacle.TOO_LARGE, fault)
