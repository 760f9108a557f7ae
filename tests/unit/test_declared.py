"""Configs and rules as a file: what it may say, what is done, and what is taken back."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typing_extensions import override

from balancer.cli.declared.files import schema
from balancer.cli.declared.shapes import Unreadable, read
from tests.schema import PLACES, text
from tests.unit.apps import make_test_app, test_client
from tests.unit.remote import Commands, Recorded

SCHEMA = schema()


def test_the_schema_is_that_of_the_api() -> None:
    """What is published, and what the program reads, is what the OpenAPI document leads to; it is sound itself."""
    assert [text()] * 2 == [place.read_text() for place in PLACES], "run `make client`"
    Draft202012Validator.check_schema(SCHEMA)


FILE = """\
configs:
  - default: true
    name: main
    targets:
      - {name: origin, kind: origin}
      - {name: cdn, host: cdn.example.com, weight: 3, check: {url: /health}}
  - name: live
    cdn_host: live.example
    distribution_rate: 0
rules:
  - name: live
    config: live
    when: {paths: [/live/]}
"""


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        pytest.param("configs:\n- name: a\n  wieght: 3\n", ["line 3: configs[0].wieght is no field"], id="unknown"),
        pytest.param("configs:\n- name: a\n  policy: b\n", ["line 3: configs[0].policy must be one of"], id="word"),
        pytest.param("confgis: []", ["line 1: confgis is no field; did you mean 'configs'?"], id="at the top"),
        pytest.param("configs: 3", ["line 1: configs must be a list"], id="no list"),
        pytest.param("- a", ["line 1: the file must be an object"], id="no object"),
        pytest.param("", ["line 1: the file is empty"], id="empty"),
        pytest.param("a: [", ["is not YAML"], id="no YAML"),
        pytest.param("a: !!python/object:os.system x", ["line 1: a is no field"], id="a tag of Python"),
        pytest.param("\0", ["is not YAML"], id="no text"),
        pytest.param("configs:\n- name: a\n  name: b\n", ["line 3: configs[0].name stands there twice"], id="twice"),
        pytest.param("rules:\n- config: a\n", ["line 2: rules[0].name is missing"], id="missing"),
        pytest.param(
            "rules:\n- name: a\n  config: 1\n  when: {countries: [NO]}\n",
            ["line 4: rules[0].when.countries[0] must be a text; put it in quotes"],
            id="Norway",
        ),
        pytest.param(
            "configs:\n- distribution_rate: 1000001\n- name: 3\n",
            ["line 2: configs[0].distribution_rate must be", "line 3: configs[1].name must be a text or null"],
            id="two faults",
        ),
        pytest.param("configs: &a [*a]", ["configs[0] must be an object"], id="within itself"),
        pytest.param("configs: " + "[" * 500, ["not YAML"], id="deep"),
        pytest.param("configs: " + "[" * 60 + "]" * 60, ["must be an object"], id="lists of lists"),
    ],
)  # fmt: skip
def test_faults_of_a_file(said: str, faults: list[str]) -> None:
    """Whatever is wrong in a file is told by line and place, all of it at once."""
    with pytest.raises(Unreadable) as caught:
        read(said.encode(), SCHEMA)
    told = str(caught.value)
    assert [] == [fault for fault in faults if fault not in told], told
    assert len(faults) == len(caught.value.faults) or len(faults) == 1


def test_aliases_are_bounded() -> None:
    """A file that names values again and again is refused before it takes long."""
    targets = "[&t {name: a, host: b}" + ", *t" * 1000 + "]"
    said = f"configs: [&c {{name: a, targets: {targets}}}" + ", *c" * 1000 + "]"
    with pytest.raises(Unreadable, match="one value too many"):
        read(said.encode(), SCHEMA, 10_000)


def test_merged_fields() -> None:
    """Anchors and merge keys of YAML can be used."""
    said = "configs:\n- name: a\n  targets:\n  - &a {name: a, host: h}\n  - {<<: *a, name: b}\n"
    assert ["a", "b"] == [target["name"] for target in read(said.encode(), SCHEMA)["configs"][0]["targets"]]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["configs", "rules", "name", "targets", "check", "when", "paths"]), inner)))  # fmt: skip  # noqa: E501
@settings(max_examples=50, deadline=None)
def test_it_agrees_with_the_schema(value: Any) -> None:
    """A file is taken if and only if a validator of JSON Schema takes it."""
    try:
        read(json.dumps(value).encode(), SCHEMA)
        taken = True
    except Unreadable:
        taken = False
    assert Draft202012Validator(SCHEMA).is_valid(value) == taken


@pytest.fixture
def recorded() -> Generator[Recorded, None, None]:
    """Return a way to the application that keeps what it is asked."""
    with test_client(make_test_app()) as client:
        yield Recorded(client._transport)


@pytest.fixture(scope="module")
def unchanging() -> Generator[Recorded, None, None]:
    """Return a way to an application that all tests share which change nothing."""
    with test_client(make_test_app()) as client:
        yield Recorded(client._transport)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that says something else than a first start."""
    path = tmp_path / "balancer.yaml"
    path.write_text(FILE)
    return path


def state(run: Commands) -> list[Any]:
    """Return configs and rules, without revisions and times."""
    configs = json.loads(run("config", "list", "-o", "json").stdout)
    left_out = {"revision", "created_at", "updated_at"}
    return [
        [{name: value for name, value in config.items() if name not in left_out} for config in configs],
        json.loads(run("rules", "show", "-o", "json").stdout),
    ]


def test_apply_and_export(recorded: Recorded, file: Path, tmp_path: Path) -> None:
    """What a file says is made, once; applying it again, or an export, changes nothing."""
    run = Commands(recorded)
    shown = run("apply", "-f", str(file), "--dry-run").stdout
    assert all(part in shown for part in ("create config 'live'", "cdn.weight: 9 → 3", "live.config: - → live"))
    assert [] == recorded.asked
    run("apply", "-f", str(file), "--reason", "A test.")
    made = ["POST /configs", "PATCH /config", "PUT /rules"]
    assert made == recorded.asked
    exported = tmp_path / "exported.yaml"
    run("export", "-f", str(exported))
    for path in (file, exported):
        assert "Everything is as the file says." in run("apply", "-f", str(path), "--prune").stdout
    assert made == recorded.asked
    assert "A test." in run("config", "history", "--id", "2").stdout
    assert exported.read_text() == run("export").stdout
    read(exported.read_bytes(), SCHEMA)


def test_prune(recorded: Recorded, file: Path) -> None:
    """`--prune` deletes what the file does not name once it is asked for; a config of a rule is not deleted."""
    run = Commands(recorded)
    run("apply", "-f", str(file))
    file.write_text("configs: [{default: true, name: main}]\n")
    assert "the rule 'live' names it" in run("apply", "-f", str(file), "--prune", code=2).stderr
    file.write_text("configs: [{default: true, name: main}]\nrules: []\n")
    assert "This deletes config 2 'live'." in run("apply", "-f", str(file), "--prune", code=7).stderr
    run("apply", "-f", str(file), "--prune", "--yes")
    assert ["main"] == [config["name"] for config in state(run)[0]]
    file.write_text("rules: []\n")
    assert "would delete all of them" in run("apply", "-f", str(file), "--prune", code=2).stderr


@pytest.mark.parametrize(
    ("place", "answer", "words"),
    [
        pytest.param("PUT /rules", 500, (1, "Could not replace rules"), id="rules"),
        pytest.param("PATCH /config", 412, (3, "Somebody has changed it"), id="a conflict"),
        pytest.param("POST /configs", 403, (5, "Nothing else was changed."), id="the first step"),
        pytest.param("PUT /rules", httpx.ConnectError("gone"), (6, "It may have been done."), id="no answer"),
    ],
)
def test_all_or_nothing(recorded: Recorded, file: Path, place: str, answer: object, words: tuple[int, str]) -> None:
    """Where a step fails, those before it are taken back, and the line says so."""
    run = Commands(recorded)
    before = state(run)
    recorded.refuse[place] = answer
    code, line = words
    said = run("apply", "-f", str(file), "--yes", code=code).stderr
    assert line in said
    assert ("Everything before it was taken back." in said) == (place != "POST /configs")
    assert before == state(run)


def test_what_cannot_be_taken_back(recorded: Recorded, file: Path) -> None:
    """What cannot be taken back is named."""
    recorded.refuse |= {"PUT /rules": 500, "DELETE /config": 500}
    said = Commands(recorded)("apply", "-f", str(file), "--yes", code=1).stderr
    assert "could not be taken back" in said
    assert "config 'live'" in said


def test_a_deletion_is_taken_back(recorded: Recorded, tmp_path: Path) -> None:
    """A config that was deleted before a later step failed comes back with its id."""
    run = Commands(recorded)
    for name in ("a", "b"):
        run("config", "create", "--name", name, "--rate", "2", "--cdn-host", f"{name}.example")
    before = state(run)
    path = tmp_path / "balancer.yaml"
    path.write_text("configs: [{default: true}]\n")

    class SecondFails(Recorded):
        @override
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "DELETE" and b"id=3" in request.url.query:
                return httpx.Response(500)
            return super().handle_request(request)

    Commands(SecondFails(recorded))("apply", "-f", str(path), "--prune", "--yes", code=1)
    assert before == state(run)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param("configs: [{id: 7}]", "there is no config with id 7", id="unknown id"),
        pytest.param("configs: [{policy: exact}]", "say which config it is", id="nobody"),
        pytest.param("configs: [{name: a}]", "a new config needs 'targets'", id="new without targets"),
        pytest.param("configs: [{id: 1}, {default: true}]", "config 1 twice", id="twice"),
        pytest.param("configs: [{name: a, targets: []}]", "targets must", id="no target"),
        pytest.param("rules: [{name: a, config: b}]", "no config has the name 'b'", id="unknown name"),
        pytest.param("rules: [{name: a, config: 7}]", "no config with id 7", id="unknown config"),
        pytest.param("rules: [{name: A, config: 1}]", "name", id="refused rule"),
        pytest.param("configs: [{id: 1, targets: [{name: a, host: h, weight: -1}]}]", "[0].targets.a.weight", id="old"),
        pytest.param("configs: [{name: n, targets: [{name: a, host: '..'}]}]", "configs[0].targets.a.host", id="new"),
    ],
)  # fmt: skip
def test_what_cannot_be_applied(unchanging: Recorded, file: Path, said: str, words: str) -> None:
    """What the service would refuse is told before anything is changed."""
    file.write_text(said)
    assert words in " ".join(Commands(unchanging)("apply", "-f", str(file), "--yes", code=2).stderr.split())
    assert [] == unchanging.asked


def test_names_that_are_not_unique(recorded: Recorded, file: Path) -> None:
    """Configs with one name, or none, are exported by id; a file must then say which."""
    run = Commands(recorded)
    for _ in range(2):
        run("config", "create", "--name", "a", "--rate", "2", "--cdn-host", "a.example")
    assert [None, 2, 3] == [config.get("id") for config in yaml.safe_load(run("export").stdout)["configs"]]
    file.write_text("configs: [{name: a}]")
    assert "2 configs have the name 'a'" in run("apply", "-f", str(file), code=2).stderr
    file.write_text("rules: [{name: r, config: a}]")
    assert "2 configs have the name 'a'" in run("apply", "-f", str(file), code=2).stderr


def test_much_of_the_traffic(recorded: Recorded, file: Path) -> None:
    """A file that moves more than half of a config's requests needs a yes, and so do rules that take the rest."""
    run = Commands(recorded)
    file.write_text("configs: [{default: true, targets: [{name: origin, kind: origin}]}]")
    assert "This sends 90 % of the requests of config 1 elsewhere." in run("apply", "-f", str(file), code=7).stderr
    file.write_text("rules: [{name: rest, config: 1}]")
    assert "All requests that match no other rule" in run("apply", "-f", str(file), code=7).stderr
    told = json.loads(run("apply", "-f", str(file), "--yes", "-o", "json").stdout)
    assert ("replace", False) == (told["steps"][0]["do"], told["dry_run"])
