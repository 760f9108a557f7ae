"""File descriptors: each connection takes one, and what the process needs beside them must never run out."""

import resource

RESERVED = 256
"""Descriptors kept free of clients' connections: for stores, files, logs, sockets, and clients that are refused."""

REFUSED_AT_ONCE = 128
"""Clients that are told at one time that there is no room; they take theirs from the reserve."""


def raise_limit() -> int:
    """Raise the soft limit of this process and of its children as far as it may be, and return it (setrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return soft  # Some systems refuse "unlimited".
    return hard


def connections_within(limit: int) -> int:
    """Return how many connections a process can have with so many descriptors; a quarter is kept of very few."""
    return limit - min(RESERVED, limit // 4)
