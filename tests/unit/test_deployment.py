"""The unit of systemd and the objects of Kubernetes in `deploy/`, as far as they can be judged without either."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from balancer.settings import PREFIX, Settings
from tests.unit.apps import make_test_app, test_client

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "balancer.service"
BASE = DEPLOY / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((BASE / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    found for name in KUSTOMIZATION["resources"] for found in yaml.safe_load_all((BASE / name).read_text())
]
DEPLOYMENT, JOB = ({found["kind"]: found for found in OBJECTS}[kind] for kind in ("Deployment", "Job"))
NAMES = {PREFIX + name.upper() for name in Settings.model_fields}
STOP = Settings.model_fields["shutdown_timeout"].default


def directives(section: str) -> dict[str, list[str]]:
    """Return what a section of the unit says, by name."""
    (text,) = re.findall(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", UNIT.read_text(), re.MULTILINE | re.DOTALL)
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


SERVICE = directives("Service")


def test_the_unit_is_locked_up() -> None:
    """The service can write its own folders alone, has no capability and gets none, and makes ordinary system calls."""
    expected = {
        "User": ["balancer"],
        "StateDirectory": ["balancer"],
        "ProtectSystem": ["strict"],
        "ProtectHome": ["yes"],
        "PrivateTmp": ["yes"],
        "PrivateDevices": ["yes"],
        "NoNewPrivileges": ["yes"],
        "CapabilityBoundingSet": [""],
        "AmbientCapabilities": [""],
        "SystemCallFilter": ["@system-service", "~@privileged"],
        "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    }
    assert expected == {name: SERVICE.get(name) for name in expected}


def test_the_unit_stops_and_reloads_as_the_program_does() -> None:
    """The supervisor alone is told to stop, and in time; reloading is SIGHUP, and two workers can be replaced."""
    assert (["mixed"], ["SIGTERM"], ["always"]) == tuple(
        SERVICE[name] for name in ("KillMode", "KillSignal", "Restart")
    )
    assert int(SERVICE["TimeoutStopSec"][0]) > STOP + 5
    assert ["/bin/kill -HUP $MAINPID"] == SERVICE["ExecReload"]
    given = dict(pair.split("=", 1) for pair in SERVICE["Environment"][0].split())
    assert set(given) <= NAMES
    assert int(given["BALANCER_WORKERS"]) > 1
    assert f"/var/lib/{SERVICE['StateDirectory'][0]}" == given["BALANCER_DATA_DIR"]
    assert int(SERVICE["LimitNOFILE"][0]) >= Settings.model_fields["connections"].default + 256


def test_the_unit_is_one(tmp_path: Path) -> None:
    """The unit has nothing wrong that systemd would find; without systemd, only the tests above read it."""
    program = shutil.which("systemd-analyze")
    if program:
        copy = tmp_path / "balancer.service"
        copy.write_text(UNIT.read_text().replace("/opt/balancer/bin/balancer", sys.executable))
        done = subprocess.run(
            [program, "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False
        )
        assert [] == [line for line in done.stderr.splitlines() if "balancer" in line]
    assert {"multi-user.target"} == set(directives("Install")["WantedBy"])


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize("found", OBJECTS, ids=lambda found: found["kind"])
def test_objects_fit_their_schemas(found: dict[str, Any], version: str) -> None:
    """Each object is valid by the schema of Kubernetes, without a field that it does not know."""
    importlib.import_module("kubernetes_validate").validate(found, version, strict=True)


@pytest.mark.parametrize("pod", [owner["spec"]["template"]["spec"] for owner in (DEPLOYMENT, JOB)])
def test_pods_are_restricted(pod: dict[str, Any]) -> None:
    """Each pod keeps to the restricted profile, has no token, and gets no variables for the Service of its own name."""
    (container,) = pod["containers"]
    assert {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}.items() <= pod[
        "securityContext"
    ].items()
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # A Service named balancer would set BALANCER_PORT, which is a setting.
    assert (False, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
    assert {"requests", "limits"} == set(container["resources"])
    assert "video-balancer" == container["image"]
    (settings,) = KUSTOMIZATION["configMapGenerator"]
    assert [{"configMapRef": {"name": settings["name"]}}, {"secretRef": {"name": "balancer-secrets"}}] == container[
        "envFrom"
    ]


def test_the_overlay_of_the_page_fits_the_base(tmp_path: Path) -> None:
    """The page's overlay changes image and settings of the base; where kubectl is, what comes of both is valid."""
    blocks = re.findall(
        r"^```yaml\n(resources:.*?)^```", (ROOT / "docs" / "kubernetes.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (overlay,) = map(yaml.safe_load, blocks)
    assert ["video-balancer"] == [image["name"] for image in overlay["images"]]
    assert [map_["name"] for map_ in KUSTOMIZATION["configMapGenerator"]] == [
        map_["name"] for map_ in overlay["configMapGenerator"]
    ]
    program = shutil.which("kubectl")
    if program:
        shutil.copytree(BASE, tmp_path / "base")
        (tmp_path / "mine").mkdir()
        overlay["resources"] = ["../base"]
        (tmp_path / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        built = subprocess.run(
            [program, "kustomize", "mine"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        objects = list(yaml.safe_load_all(built.stdout))
        assert {"ConfigMap", *(found["kind"] for found in OBJECTS)} == {found["kind"] for found in objects}
        for found in objects:
            importlib.import_module("kubernetes_validate").validate(found, "1.37", strict=True)
        images = re.findall(r"image: (.+)", built.stdout)
        assert [f"{overlay['images'][0]['newName']}:{overlay['images'][0]['newTag']}"] * 2 == images


def test_settings_of_the_pods_are_settings() -> None:
    """Each setting that is given to pods is one, and can be read."""
    (generator,) = KUSTOMIZATION["configMapGenerator"]
    given = dict(literal.split("=", 1) for literal in generator["literals"])
    assert set() == set(given) - NAMES
    Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in given.items()})
    named = re.findall(r"BALANCER_[A-Z_]+", "".join(path.read_text() for path in sorted(DEPLOY.rglob("*.*"))))
    assert set() == set(named) - NAMES


def test_probes_ask_paths_that_there_are() -> None:
    """A pod is alive and ready by paths that answer 200, at the port that the Service leads to."""
    (container,) = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
    with test_client(make_test_app()) as client:
        assert [200, 200, 200] == [client.get(path).status_code for path in paths.values()]
    assert [{"name": "http", "containerPort": 8000}] == container["ports"]


def test_pods_have_time_to_stop() -> None:
    """A pod is given the pause before its stop, and longer than the program takes after that."""
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > pause + STOP + 5


def test_selectors_find_the_pods() -> None:
    """The Service and the budget go by a label that the pods of the service have, and the migration has not."""
    label = {"app.kubernetes.io/component": "serve"}
    by_kind = {found["kind"]: found for found in OBJECTS}
    assert label == DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert label == by_kind["Service"]["spec"]["selector"]
    assert label == by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    assert "metadata" not in JOB["spec"]["template"]
    (common,) = KUSTOMIZATION["labels"]
    assert common["includeSelectors"]
    assert common["pairs"] == by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
