"""URLs of Redis: one server, servers that Sentinel watches, or a cluster."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote

from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.exceptions import RedisError

from balancer.store_urls.parts import UNREADABLE, check_authorities, check_certificate, plain_and_escaped, read_hosts


class RedisKind(Enum):
    """What answers at the hosts of a URL."""

    SERVER = "one server"
    SENTINEL = "sentinels"
    CLUSTER = "nodes of a cluster"


@dataclass(frozen=True)
class RedisPlace:
    """Where a Redis is, and how to talk to it.

    Attributes:
        kind: What the hosts are.
        options: Arguments of a connection to a server that holds data, for redis-py.
        hosts: Of the sentinels, or of some nodes of the cluster, with their ports; of one server they are in `options`.
        service: What the sentinels call it.
        sentinel_options: Arguments of a connection to a sentinel.
    """

    kind: RedisKind
    options: Mapping[str, Any]
    hosts: list[tuple[str, int]] = field(default_factory=list)
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)


_SCHEMES = "redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"
_SENTINEL_PORT, _PORT = 26379, 6379
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
_TLS = "ssl_"

# Scheme, kind, user info, hosts, path and options.
_PARTS = re.compile(r"(rediss?)\+(sentinel|cluster)://([^/?#@]*@)?([^/?#@]*)(/[^?#]*)?(?:\?([^#]*))?")


def read_redis_url(given: str) -> RedisPlace:
    """Return where a Redis is.

    Args:
        given: `redis://:password@host:6379/0`, `unix:///path`, `redis+sentinel://:password@host1:26379,host2/service/0`
            or `redis+cluster://:password@host1:6379,host2`; `rediss…` talks TLS. The options are those of redis-py,
            and for sentinels that have a password of their own `sentinel_password` and `sentinel_username`.

    Raises:
        ValueError: When it has another scheme, cannot be read, has options that the client lacks, or names a file that
            cannot be used.
    """
    scheme = given.partition(":")[0]
    if scheme in {"redis", "rediss", "unix"}:
        if "," in given.partition("?")[0].rpartition("@")[2] and scheme != "unix":
            raise ValueError("has several hosts, which needs redis+sentinel:// or redis+cluster://")
        place = RedisPlace(RedisKind.SERVER, _options(given))
    elif scheme in {"redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}:
        place = _read_several(given)
    else:
        raise ValueError(f"must begin with {_SCHEMES}")
    _check_files(place.options)
    return place


def passwords_of_redis(given: str) -> list[str]:
    """Return the passwords in the URL of a Redis, plain and escaped."""
    place = read_redis_url(given)
    passwords = [place.options.get("password"), place.options.get("ssl_password")]
    return plain_and_escaped([*passwords, place.sentinel_options.get("password")])


def _read_several(given: str) -> RedisPlace:
    parts = _PARTS.fullmatch(given)
    if parts is None:
        raise ValueError(UNREADABLE)
    scheme, kind, user, hosts, path, query = (part or "" for part in parts.groups())
    own = {}
    kept = []
    for option in filter(None, query.split("&")):
        name, _, value = option.partition("=")
        if kind == "sentinel" and name in _SENTINEL_OPTIONS:
            own[_SENTINEL_OPTIONS[name]] = unquote(value.replace("+", " "))
        else:
            kept.append(option)
    *service, database = path.strip("/").split("/") if kind == "cluster" or path.count("/") > 1 else (path[1:], "0")
    # The library reads the rest as that of a URL of one server.
    options = dict(_options(f"{scheme}://{user}host/{database or 0}?{'&'.join(kept)}"))
    if kind == "cluster":
        if service or options.get("db"):
            raise ValueError("has a path: a cluster has only the database 0")
        return RedisPlace(RedisKind.CLUSTER, _for_cluster(options), read_hosts(hosts, _PORT))
    if len(service) != 1 or not service[0] or not database.isdecimal():
        raise ValueError("needs the name of the service and the database behind the hosts, such as /mymaster/0")
    tls = {name: value for name, value in options.items() if name.startswith(_TLS)} | {"ssl": scheme == "rediss"}
    return RedisPlace(
        RedisKind.SENTINEL,
        {name: value for name, value in options.items() if name not in {"host", "port", "connection_class"}} | tls,
        read_hosts(hosts, _SENTINEL_PORT),
        unquote(service[0]),
        own | tls,
    )


def _options(given: str) -> Mapping[str, Any]:
    try:
        options = parse_url(given)
    except ValueError:
        raise ValueError(UNREADABLE) from None
    try:
        # Connects at its first use, not here.
        ConnectionPool(**options).make_connection()  # type: ignore[no-untyped-call]  # the library's gap
    except (TypeError, RedisError):
        raise ValueError("has options that the client does not know") from None
    return dict(options)


def _for_cluster(options: dict[str, Any]) -> Mapping[str, Any]:
    options = {name: value for name, value in options.items() if name not in {"host", "db"}}
    tls = {"ssl": options.pop("connection_class", None) is SSLConnection}
    if unknown := sorted(set(options) - set(inspect.signature(RedisCluster.__init__).parameters)):
        raise ValueError(f"has options that the client of a cluster does not know: {', '.join(unknown)}")
    return options | tls


def _check_files(options: Mapping[str, Any]) -> None:
    if authorities := options.get("ssl_ca_certs"):
        check_authorities("ssl_ca_certs", authorities)
    if certificate := options.get("ssl_certfile"):
        files = (certificate, options.get("ssl_keyfile"))
        check_certificate(("ssl_certfile", "ssl_keyfile"), *files, options.get("ssl_password"))
