from enum import StrEnum


class ExplainedReason(StrEnum):
    BAD_CHARACTER = "bad-character"
    BAD_ESCAPE = "bad-escape"
    BAD_HOST = "bad-host"
    BAD_PORT = "bad-port"
    DOT_SEGMENT = "dot-segment"
    FAILOVER = "failover"
    HOST_NOT_ALLOWED = "host-not-allowed"
    IP_ADDRESS = "ip-address"
    NOT_A_URL = "not-a-url"
    ONLY_TARGET = "only-target"
    PANIC = "panic"
    PATH_EMPTY = "path-empty"
    SCHEDULE = "schedule"
    STANDBY = "standby"
    STICKY = "sticky"
    TIER = "tier"
    TOO_LONG = "too-long"
    USER_INFO = "user-info"
    VIDEO_MISSING = "video-missing"
    VIDEO_REPEATED = "video-repeated"

    def __str__(self) -> str:
        return str(self.value)
