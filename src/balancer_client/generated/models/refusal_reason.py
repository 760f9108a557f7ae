from enum import StrEnum


class RefusalReason(StrEnum):
    BAD_CHARACTER = "bad-character"
    BAD_ESCAPE = "bad-escape"
    BAD_HOST = "bad-host"
    BAD_PORT = "bad-port"
    DOT_SEGMENT = "dot-segment"
    HOST_NOT_ALLOWED = "host-not-allowed"
    IP_ADDRESS = "ip-address"
    NOT_A_URL = "not-a-url"
    PATH_EMPTY = "path-empty"
    TOO_LONG = "too-long"
    USER_INFO = "user-info"
    VIDEO_MISSING = "video-missing"
    VIDEO_REPEATED = "video-repeated"

    def __str__(self) -> str:
        return str(self.value)
