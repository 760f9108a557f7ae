"""Where the player of a session gets its manifest anew, and how such a request says which session it is of."""

from urllib.parse import quote, quote_from_bytes

from balancer.core.urls.videos import MAX_VIDEO

SESSION = b"balancer_session"
"""The parameter with a session's state; the name is one that no origin uses, as all others are passed on to it."""

_CMCD = b"cmcd"

# RFC 3986 §3.4: what may stand in a query, and the percent sign of escapes that are there already.
_SAFE = "%!$&'()*+,;:@/?=-._~"


def split_session(query: bytes) -> tuple[bytes, bytes]:
    """Split the raw query string of a request for a manifest into what is asked for, and the token of a session.

    Of several tokens the last one counts, which stands nearest to the end, where players put what they add.
    """
    if SESSION not in query:
        return query, b""
    asked, token = [], b""
    for parameter in query.split(b"&"):
        name, _, value = parameter.partition(b"=")
        if name == SESSION:
            token = value
        else:
            asked.append(parameter)
    return b"&".join(asked), token


def without_reports(carried: bytes) -> bytes:
    """Return the parameters beside a video without those of CMCD, of which each request has its own."""
    kept = (parameter for parameter in carried.split(b"&") if parameter.partition(b"=")[0].lower() != _CMCD)
    return b"&".join(kept)


def without_those_of(query: bytes, carried: bytes) -> bytes:
    """Return the parameters beside a video without those that its own query has, to the byte.

    An origin may repeat in its `Location` what it was asked with, and would be told it once more each time.
    """
    if not query:
        return carried
    own = query[1:].split(b"&")
    return b"&".join(parameter for parameter in carried.split(b"&") if parameter not in own)


def refresh_url(base: bytes, video: str, carried: bytes, token: bytes) -> bytes | None:
    """Return the URL at which a session gets the next manifest; None if it would be longer than a request may be.

    Args:
        base: What stands before the path in URLs of this service: `https://video.example.com`.
        video: The origin URL of the next manifest.
        carried: The parameters beside it: rules and policies go by them, and the origin is asked with them.
        token: Of the session.
    """
    # A value that begins with its scheme is taken as it is, up to where the next parameter begins.
    value = quote(video, safe="/") if "&" in video else video
    asked = f"video={value}"
    if carried:
        asked += f"&{quote_from_bytes(carried, safe=_SAFE)}"
    if len(asked) > MAX_VIDEO:
        return None
    return b"%b/manifest?%b&%b=%b" % (base, asked.encode(), SESSION, token)
