"""The reference of settings, drawn from `balancer.settings`."""

import ast
import inspect
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from balancer.core.access.keys import Role
from balancer.core.clients.quotas import UNITS, Quota
from balancer.settings import PREFIX, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

GROUPS = {
    "host": "Listening",
    "role": "Processes",
    "log_level": "Logs, metrics and traces",
    "fast_lane": "Connections",
    "data_dir": "Stores",
    "origin_hosts": "Origins, and the first config",
    "public_url": "Sessions, manifests and reports",
    "bootstrap_api_key": "Access",
    "player_rate": "Rate limits and clients",
}
"""The headings of the page, each by the setting that it begins with."""

_RATE = "a rate such as `50/s`, `600/m` or `50/s;burst=200`, or `off`"
_LIST = "a list, separated by commas"
_SPECIAL = {
    "access_log": "`off`, `errors`, `all`, or `sample:` and a part of 1: `sample:0.01`",
    "jwt_roles": "pairs of a value and a role, separated by commas",
    "origin_hosts": f"{_LIST}, of patterns of hosts",
    "trusted_proxies": f"{_LIST}, of addresses, networks and `unix`",
    "geo_database": f"{_LIST}, of paths",
    "public_url": "scheme and host of a URL: `https://video.example.com`",
    "database_url": "a URL",
    "redis_url": "a URL",
    "steering_key": "at least 32 letters, digits or characters of `-._~+/=`",
    "bootstrap_api_key": "at least 32 letters, digits or characters of `-._~+/=`",
}
"""What the values of settings look like that are read from text."""

_HEAD = """# Settings

Written by `make docs` from [src/balancer/settings.py](../src/balancer/settings.py). Set them as environment
variables, or as lines of a file `.env` in the folder where the program starts. The environment overrides the file; an
empty value counts as not given; all invalid values are reported at the start, in one line each. A switch takes `on`
and `off`, `true` and `false`, `1` and `0`.

Some depend on each other:

- `BALANCER_TLS_CERT` and `BALANCER_TLS_KEY` are given together, and never with `BALANCER_UNIX_SOCKET`;
  `BALANCER_PLAIN_PORT` and `BALANCER_HSTS` need them.
- `BALANCER_PROXY_PROTOCOL` needs `BALANCER_TRUSTED_PROXIES`.
- `BALANCER_WORKER_SILENCE` is longer than `BALANCER_WORKER_START_TIME`.
- `BALANCER_JWT_ISSUER`, `BALANCER_JWT_AUDIENCE` and `BALANCER_JWT_JWKS` are given all or none.
"""


def page() -> str:
    """Return the page with every setting."""
    told = meanings()
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            parts.append(f"\n## {GROUPS[name]}\n\n| Variable | Value | Default | What it does |\n|---|---|---|---|\n")
        cells = (f"`{PREFIX}{name.upper()}`", value_of(name, field), default_of(name, field), told[name])
        parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    return "".join(parts)


def meanings() -> dict[str, str]:
    """Return what stands below each setting in the code."""
    (model,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(model, ast.ClassDef)
    found = {}
    for statement, below in zip(model.body, model.body[1:], strict=False):
        match statement, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found


def value_of(name: str, field: FieldInfo) -> str:
    """Return which values a setting takes, in words."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    (kind, *_) = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not type(None)]
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    words = {bool: "a switch", str: "text", Path: "a path", int: "a whole number", float: "a number", Quota: _RATE}[
        kind
    ]
    least, most = (_bound(field, edge) for edge in ("ge", "le"))
    if least is not None and most is not None:
        return f"{words} from {least:,} to {most:,}"
    return f"{words} from {least:,}" if least is not None else words


def default_of(name: str, field: FieldInfo) -> str:
    """Return a setting's default as the environment would give it."""
    match field.get_default(call_default_factory=True, validated_data={}):
        case None if name.endswith("_rate"):
            text = "off"
        case None | ():
            return "none"
        case SecretStr():
            return "SQLite in the data folder"
        case bool(value):
            text = "on" if value else "off"
        case (False, 0.0):
            text = "off"
        case Quota() as quota:
            unit = {seconds: unit for unit, seconds in UNITS.items()}[quota.seconds]
            text = f"{quota.count}/{unit};burst={quota.burst}"
        case tuple(values):
            text = ",".join(map(str, values))
        case dict(roles):
            text = ",".join(f"{claim}={Role(role).label}" for claim, role in roles.items())
        case value:
            text = str(value)
    return f"`{text}`"


def _bound(field: FieldInfo, edge: str) -> Any:
    return next((getattr(bound, edge) for bound in field.metadata if hasattr(bound, edge)), None)
