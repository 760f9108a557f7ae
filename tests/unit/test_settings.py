"""Settings: what the operator may say, and what he is told when it is wrong."""

import re
from pathlib import Path

import pytest

from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.store_urls import RedisKind, read_database_url, read_redis_url
from tests.certificates import Authority

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder without any setting in the environment."""
    monkeypatch.chdir(tmp_path)
    # Where libpq looks for an authority.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_defaults() -> None:
    """Without any setting the embedded default is served on the loopback address."""
    settings = read_settings()
    assert ("127.0.0.1", 8000, 1) == (settings.host, settings.port, settings.workers)
    assert f"sqlite:///{Path('data/balancer.db')}" == settings.database_url.get_secret_value()
    assert settings.redis_url is None
    assert (("*.origin-cluster",), "cdn.example.com", 10) == (
        settings.origin_hosts,
        settings.cdn_host,
        settings.distribution_rate,
    )


def test_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in `.env` is a setting, the environment goes before it, and the command line before both."""
    Path(".env").write_text("BALANCER_PORT=1000\nBALANCER_HOST=::1\nBALANCER_CDN_HOST=Bücher.example\nOTHER=1\n")
    monkeypatch.setenv("BALANCER_PORT", "2000")
    assert ("::1", 2000, "xn--bcher-kva.example") == (
        read_settings().host,
        read_settings().port,
        read_settings().cdn_host,
    )
    assert 3000 == read_settings(port=3000, host=None).port


def test_empty_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as not given."""
    monkeypatch.setenv("BALANCER_REDIS_URL", "")
    monkeypatch.setenv("BALANCER_PORT", "")
    assert (None, 8000) == (read_settings().redis_url, read_settings().port)


def test_origin_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns of origins are separated by commas, with or without space around."""
    monkeypatch.setenv("BALANCER_ORIGIN_HOSTS", "*.origin-cluster, vod.example.com:8080 ,")
    assert ("*.origin-cluster", "vod.example.com:8080") == read_settings().origin_hosts


def test_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wrong value is named, in one go, and no password is repeated."""
    wrong = {
        "PORT": "99999",
        "WORKERS": "none",
        "DISTRIBUTION_RATE": "-1",
        "CDN_HOST": "http://cdn.example.com",
        "ORIGIN_HOSTS": "origin-cluster",
        "DATABASE_URL": "mysql://u:secret@h/d",
        "REDIS_URL": "http://:secret@h",
        "POLL_INTERVAL": "0",
        "LOG_LEVEL": "loud",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(WrongSettings) as caught:
        read_settings()
    assert {PREFIX + name for name in wrong} == {name for name, _ in caught.value.faults}
    assert "BALANCER_CDN_HOST: has a scheme" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("DATABASE_URL", "postgresql://u:secret@@h:no/d", "cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h:99999/d", "port"),
        ("DATABASE_URL", "postgresql:u:secret", "cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?timeout=1&color=red", "not know: color, timeout"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?sslmode=on", "an ssl that is none of allow, disable"),
        ("DATABASE_URL", "sqlite:///x?secret=1&color=red", "not know: color, secret"),
        ("DATABASE_URL", "postgresql://u:secret@h:1,i:no/d", "has hosts that cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h:1,i:99999/d", "port"),
        ("DATABASE_URL", "postgresql://u:secret@h:1,,i/d", "has hosts that cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h,i/d?host=j", "and in its options"),
        ("DATABASE_URL", "postgresql://u:secret@/d?host=h,i,j&port=1,2", "3 hosts and other ports than one for each"),
        ("DATABASE_URL", "postgresql://u:secret@h,i/d?target_session_attrs=master", "none of any, prefer-standby"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?statement_cache_size=few", "whole numbers: statement_cache_size"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?user=a&user=b", "more than once: user"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?sslmode=verify-full", "without sslrootcert"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?sslrootcert=/ca.pem", "so that no certificate would be checked"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://u:secret@h,i/d?target_session_attrs=prefer-standby", "takes no changes"),
        (
            "DATABASE_URL",
            "postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert=system&sslcrl=/crl.pem",
            "cannot be given together with sslcrl",
        ),
        (
            "DATABASE_URL",
            "postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/ca.pem",
            "sslrootcert=/no/ca.pem, which cannot be read: No such file or directory",
        ),
        (
            "DATABASE_URL",
            f"postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert={__file__}",
            "which is no certificate in PEM",
        ),
        (
            "DATABASE_URL",
            "postgresql://u:secret@h/d?sslmode=require&sslcert=/no/c.pem&sslkey=/no/k.pem&sslpassword=:secret",
            "has sslcert=/no/c.pem and sslkey=/no/k.pem, which cannot be read",
        ),
        ("REDIS_URL", "redis://:secret@h:no/0", "cannot be read"),
        ("REDIS_URL", "redis://:sec#ret@h/0", "must be escaped"),
        ("REDIS_URL", "redis://:secret@[::1/0", "cannot be read"),
        ("REDIS_URL", "redis://:secret@h/0?db=x", "cannot be read"),
        ("REDIS_URL", "redis://:secret@h/0?color=red", "does not know"),
        ("REDIS_URL", "rediss://:secret@h/0?ssl_cert_reqs=never", "does not know"),
        ("REDIS_URL", "rediss://:secret@h/0?ssl_ca_certs=/no/ca.pem", "ssl_ca_certs=/no/ca.pem, which cannot be read"),
        ("REDIS_URL", f"rediss://:secret@h/0?ssl_certfile={__file__}", "which is no certificate with its key in PEM"),
        ("REDIS_URL", "redis://:secret@h:1,i:2/0", "needs redis.sentinel:// or redis.cluster://"),
        ("REDIS_URL", "redis+other://:secret@h:1,i:2/0", "must begin with"),
        ("REDIS_URL", "redis+sentinel://:secret@h:1,i:no/video/0", "has hosts that cannot be read"),
        ("REDIS_URL", "redis+sentinel://:secret@/video/0", "has hosts that cannot be read"),
        ("REDIS_URL", "redis+sentinel://:secret@h:1,i:2", "needs the name of the service"),
        ("REDIS_URL", "redis+sentinel://:secret@h:1,i:2/video/zero", "needs the name of the service"),
        ("REDIS_URL", "redis+sentinel://:secret@h:1/video/0?color=red", "does not know"),
        ("REDIS_URL", "redis+sentinel://:sec#ret@h:1/video/0", "must be escaped"),
        ("REDIS_URL", "redis+cluster://:secret@h:1,i:99999", "port"),
        ("REDIS_URL", "redis+cluster://:secret@h:1,i:2/1", "a cluster has only the database 0"),
        ("REDIS_URL", "redis+cluster://:secret@h:1?sentinel_password=secret", "does not know"),
        ("REDIS_URL", "redis+cluster://:secret@h:1?retry_on_timeout=yes", "not know: retry_on_timeout"),
        ("REDIS_URL", "rediss+cluster://:secret@h:1?ssl_ca_certs=/no/ca.pem", "which cannot be read"),
    ],
)
def test_urls_that_no_store_can_have(monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str) -> None:
    """A URL that a library could not connect by is named at the start, and nothing of its password is repeated."""
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(WrongSettings, match=fault) as caught:
        read_settings()
    assert [PREFIX + name] == [variable for variable, _ in caught.value.faults]
    assert not re.search(r"sec#?ret@|:sec", str(caught.value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://u:p%23w@h/d?ssl=require"),
        ("DATABASE_URL", "postgresql:///d?host=/run/postgresql&user=u&password=p%23w"),
        ("DATABASE_URL", "postgresql+psycopg://u:p#w@h:5432/d?sslmode=require&statement_cache_size=0"),
        ("DATABASE_URL", "postgresql://u:p%23w@h:5432,[::1],i/d?sslmode=require&sslpassword=p%23w"),
        ("DATABASE_URL", "postgresql://u@h/d?sslmode=verify-full&sslrootcert=system&sslpassword=p%23w"),
        ("REDIS_URL", "rediss://:p%23w@h/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "unix://:p%23w@/run/redis.sock?db=1"),
        ("REDIS_URL", "redis://h/0?password=p%23w"),
        ("REDIS_URL", "redis+sentinel://:p%23w@h,[::1]:26380/video/0"),
        ("REDIS_URL", "rediss+sentinel://h/video?sentinel_username=u&sentinel_password=p%23w"),
        ("REDIS_URL", "redis+cluster://u:p%23w@h:7000,i:7001/0"),
        ("REDIS_URL", "rediss+cluster://h?password=p%23w"),
        ("REDIS_URL", "rediss://h?ssl_password=p%23w"),
    ],
)
def test_passwords_are_known(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """However a URL brings its password, it is known as it is and as it is escaped, so that no line tells it."""
    monkeypatch.setenv(PREFIX + name, value)
    assert {"p#w", "p%23w"} == set(read_settings().secrets)


def test_sslmode() -> None:
    """What libpq calls `sslmode`, as the URLs of hosted databases do, the driver is told as `ssl`."""
    url = read_database_url("postgres://u:p@h/d?sslmode=require&statement_cache_size=0")
    assert {"ssl": "require", "statement_cache_size": "0"} == dict(url.query)
    assert "postgresql+asyncpg" == url.drivername


@pytest.mark.parametrize(
    ("given", "hosts", "ports"),
    [
        ("postgresql://u@a:1,b:2/d", "a,b", "1,2"),
        ("postgresql://a,b:6432", "a,b", "5432,6432"),
        ("postgresql://u@[::1]:1,%2Frun%2Fpg/d", "::1,/run/pg", "1,5432"),
        ("postgresql:///d?host=a,b&port=1", "a,b", "1,1"),
        ("postgresql:///d?host=a,b&port=1,2", "a,b", "1,2"),
        ("postgresql:///d?host=a:1&host=b:2", "a,b", "1,2"),
        ("postgresql:///d?host=/run/a,/run/b", "/run/a,/run/b", "5432,5432"),
    ],
)
def test_several_hosts(given: str, hosts: str, ports: str) -> None:
    """Several hosts are read as libpq reads them, and as SQLAlchemy does; the one that takes writes is wanted."""
    query = read_database_url(given).query
    assert (hosts, ports, "read-write") == (query["host"], query["port"], query["target_session_attrs"])
    assert (
        "standby"
        == read_database_url(f"{given}{'&' if '?' in given else '?'}target_session_attrs=standby").query[
            "target_session_attrs"
        ]
    )


@pytest.mark.parametrize("given", ["postgresql://u:a,b@h/d", "postgresql://u:a,b/c@h/d", "postgresql://u:p@h/d,e"])
def test_one_host(given: str) -> None:
    """A comma in a password or in a name of a database does not make several hosts of one."""
    assert ("h", {}) == (read_database_url(given).host, dict(read_database_url(given).query))


def test_redis_places() -> None:
    """The hosts of sentinels and clusters have the usual ports, and options go where they belong."""
    watched = read_redis_url("rediss+sentinel://u:p@a,b:1/my%20video/3?sentinel_password=s%2B&socket_timeout=2")
    assert (RedisKind.SENTINEL, [("a", 26379), ("b", 1)], "my video") == (watched.kind, watched.hosts, watched.service)
    assert {"username": "u", "password": "p", "db": 3, "socket_timeout": 2.0, "ssl": True} == watched.options
    assert {"password": "s+", "ssl": True} == watched.sentinel_options
    cluster = read_redis_url("redis+cluster://:p@[::1]:7000,b")
    assert (RedisKind.CLUSTER, [("::1", 7000), ("b", 6379)]) == (cluster.kind, cluster.hosts)
    assert {"password": "p", "ssl": False} == cluster.options
    assert RedisKind.SERVER == read_redis_url("unix:///run/redis,a.sock").kind


def test_examples_of_stores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every value in docs/stores.md can be used as it is, where its files are."""
    page = (ROOT / "docs" / "stores.md").read_text()
    authority = Authority(tmp_path)
    examples = re.findall(r"^(BALANCER_\w+)=(.+)$", page, re.MULTILINE)
    assert 6 == len(examples)
    for name, value in examples:
        monkeypatch.setenv(name, value.replace("/etc/balancer/ca.pem", str(authority.path)))
        assert "secret" in read_settings().secrets
        monkeypatch.delenv(name)


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings can be printed without a password in them."""
    monkeypatch.setenv("BALANCER_DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("BALANCER_REDIS_URL", "redis://:secret@h")
    assert "secret" not in repr(read_settings())


def test_example_lists_all() -> None:
    """`.env.example` has a line for every setting, and its values are the defaults."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = dict(line.lstrip("# ").split("=", 1) for line in lines if "=" in line and "BALANCER_" in line)
    assert {PREFIX + name.upper() for name in Settings.model_fields} == set(listed)
    Path(".env").write_text("\n".join(f"{name}={value}" for name, value in listed.items()))
    assert Settings(_env_file=None) == read_settings()  # type: ignore[call-arg]  # pydantic-settings adds it
