"""What may be shown of what the operator said."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

MASK = "******"
"""Stands for a secret, whatever its length."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it may be shown.

    Attributes:
        name: Of its variable: `BALANCER_PORT`.
        value: As it would stand there, masked where it is secret; empty when it is not given.
        is_secret: Whether it is masked.
        is_default: Whether it is what it is when nobody says anything.
    """

    name: str
    value: str
    is_secret: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """The settings of one process.

    Attributes:
        settings: All of them, in order.
    """

    settings: Sequence[Setting]


def shown(name: str, value: str, *, is_secret: bool, is_default: bool) -> Setting:
    """Return a setting as it may be shown: of a secret only that there is one, of a URL no user and no password.

    Args:
        name: Of its variable.
        value: As it stands there; empty when it is not given.
        is_secret: Whether it is a secret.
        is_default: Whether nobody said it.
    """
    if is_secret:
        return Setting(name, MASK if value else "", is_secret=True, is_default=is_default)
    return Setting(name, _without_user(value), is_secret=False, is_default=is_default)


def _without_user(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        return MASK
    return _masked(parts) if "@" in parts.netloc else value


def _masked(parts: SplitResult) -> str:
    return parts._replace(netloc=f"{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()
