"""The container files, as far as they can be judged without an engine."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient

from balancer.settings import PREFIX, Settings
from tests.unit.apps import make_test_app, test_client

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]


def test_services() -> None:
    """The compose file has the two stores, the migration, the balancer and the load generator; monitoring is opt-in."""
    opt_in = {name for name, service in SERVICES.items() if service.get("profiles") == ["monitoring"]}
    assert {"prometheus", "grafana"} == opt_in
    assert {"postgres", "redis", "migrate", "balancer", "locust"} == set(SERVICES) - opt_in
    for name in set(SERVICES) - opt_in:
        assert not opt_in & set(SERVICES[name].get("depends_on", {}))


@pytest.mark.parametrize("service", ["migrate", "balancer"])
def test_variables_are_settings(service: str) -> None:
    """Each variable that the program is given is one of its settings."""
    given = {name for name in SERVICES[service]["environment"] if not name.startswith("OTEL_")}
    names = given | set(re.findall(r"\b(BALANCER_[A-Z_]+)=", DOCKERFILE))
    assert set() == names - {PREFIX + name.upper() for name in Settings.model_fields}
    assert {"BALANCER_DATABASE_URL", "BALANCER_REDIS_URL"} <= names


@pytest.mark.parametrize("service", ["migrate", "balancer"])
def test_every_setting_reaches_the_program(service: str) -> None:
    """Whatever is set in the shell or in `docker/.env` has its effect in the containers; the image sets the rest."""
    given = set(SERVICES[service]["environment"]) | set(re.findall(r"\b(BALANCER_[A-Z_]+)=", DOCKERFILE))
    assert set() == {PREFIX + name.upper() for name in Settings.model_fields} - given


def test_nobody_knows_the_password_of_the_dashboard() -> None:
    """Grafana has no password that is known to everybody: without one of its own it does not start."""
    assert SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")


def test_dependencies_can_be_met() -> None:
    """Each service waits for services that exist, and for health only where there is a check of it."""
    for service in SERVICES.values():
        for name, need in service.get("depends_on", {}).items():
            assert name in SERVICES
            if need["condition"] == "service_healthy":
                assert "test" in SERVICES[name].get("healthcheck", {}) or "build" in SERVICES[name]
    assert "service_completed_successfully" == SERVICES["balancer"]["depends_on"]["migrate"]["condition"]
    assert SERVICES["migrate"]["healthcheck"] == {"disable": True}


def test_volumes_and_mounts_exist() -> None:
    """Each mount is a declared volume or a path of the checkout."""
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / "docker" / source).exists()


def test_ports() -> None:
    """The balancer and the web pages are published where one looks for them, all on the loopback address only."""
    assert ["${BALANCER_PUBLISH:-127.0.0.1:8000}:8000"] == SERVICES["balancer"]["ports"]
    assert ["${LOCUST_PUBLISH:-127.0.0.1:8089}:8089"] == SERVICES["locust"]["ports"]
    assert ["${PROMETHEUS_PUBLISH:-127.0.0.1:9090}:9090"] == SERVICES["prometheus"]["ports"]
    assert ["${GRAFANA_PUBLISH:-127.0.0.1:3000}:3000"] == SERVICES["grafana"]["ports"]
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert {"balancer", "locust", "prometheus", "grafana"} == published


def test_several_workers_and_time_to_stop() -> None:
    """The balancer runs several workers and is given longer to stop than it takes at most."""
    settings = SERVICES["balancer"]["environment"]
    assert "${BALANCER_WORKERS:-4}" == settings["BALANCER_WORKERS"]
    assert (
        int(SERVICES["balancer"]["stop_grace_period"].rstrip("s")) > Settings.model_fields["shutdown_timeout"].default
    )


def test_last_stage_is_lean() -> None:
    """The last stage runs as a user without rights, installs nothing, and names its commands without a shell."""
    assert re.search(r"^USER 10001$", LAST_STAGE, re.MULTILINE)
    assert not re.search(r"pip install|apt-get|gcc|COPY (?!--from)", LAST_STAGE)
    for command in ("ENTRYPOINT", "CMD"):
        (arguments,) = re.findall(rf"^{command} (.*)$", LAST_STAGE, re.MULTILINE)
        assert isinstance(ast.literal_eval(arguments), list)


def test_health_check_asks_a_path_that_there_is() -> None:
    """The health check is a program that can be compiled, and asks a path that answers 200."""
    (line,) = re.findall(r"^HEALTHCHECK .*\n\s+CMD (.*)$", LAST_STAGE, re.MULTILINE)
    program = ast.literal_eval(line)
    assert ["python", "-c"] == program[:2]
    compile(program[2], "health check", "exec")
    (path,) = re.findall(r"\}(/[a-z/]+)'", program[2])
    with test_client(make_test_app()) as client:
        assert isinstance(client, TestClient)
        assert 200 == client.get(path).status_code


def test_build_context_has_what_is_copied() -> None:
    """Each file that the build copies is there, and the ignore file lets it through."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert any(fnmatch(source, pattern) for pattern in allowed)
