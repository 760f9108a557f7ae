"""Placeholder."""

from enum import StrEnum


class RoutingReason(StrEnum):
    SCHEDULE = "schedule"
    STICKY = "sticky"
    FAILOVER = "failover"
    TIER = "tier"
    ONLY_TARGET = "only-target"
    PANIC = "panic"
    STANDBY = "standby"


class SkipReason(StrEnum):
    DISABLED = "disabled"
    DRAINED = "drained"
    UNHEALTHY = "unhealthy"
    LATER_TIER = "later-tier"
    NOT_CHOSEN = "not-chosen"
