"""Why a request goes where it goes, and why not elsewhere: closed vocabularies, for logs, metrics and explanations."""

from enum import StrEnum


class RoutingReason(StrEnum):
    """Why a request goes to its target."""

    SCHEDULE = "schedule"
    """The request's ticket belongs to the target."""

    STICKY = "sticky"
    """The request's key belongs to the target."""

    FAILOVER = "failover"
    """The target is the first usable one in order."""

    TIER = "tier"
    """A later tier serves, as no earlier one has a usable target."""

    ONLY_TARGET = "only-target"
    """No other target gets requests."""

    PANIC = "panic"
    """Too little is healthy, so health is ignored."""

    STANDBY = "standby"
    """No target with a weight is usable, so one of weight 0 serves."""


class SkipReason(StrEnum):
    """Why a request does not go to a target."""

    DISABLED = "disabled"
    """The target is switched off."""

    DRAINED = "drained"
    """The target has weight 0."""

    UNHEALTHY = "unhealthy"
    """The target's health check fails."""

    LATER_TIER = "later-tier"
    """An earlier tier serves."""

    NOT_CHOSEN = "not-chosen"
    """The target could have served, but the policy chose another one."""
