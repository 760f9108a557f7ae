"""Commands that ask a service, against the application over fakes."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from balancer.cli import main
from tests.factories import KEY, VIDEO
from tests.unit.apps import make_test_app, test_client
from tests.unit.remote import Commands, Recorded, commands


@pytest.fixture
def run() -> Generator[Commands, None, None]:
    """Return what runs commands against a service with the config of a first start."""
    with commands(make_test_app()) as run:
        yield run


@pytest.fixture(scope="module")
def unchanging() -> Generator[Commands, None, None]:
    """Return what runs commands against a service that all tests share which change nothing."""
    with commands(make_test_app()) as run:
        yield run


@pytest.fixture
def recorded() -> Generator[Recorded, None, None]:
    """Return a way to the application that keeps what it is asked."""
    with test_client(make_test_app()) as client:
        yield Recorded(client._transport)


def test_help_tells_two_kinds_apart(unchanging: Commands) -> None:
    """`--help` lists the commands that ask a service, and those of the server's machine, each with its text."""
    text = unchanging("--help").output
    remote, _, machine = text.partition("\nOn the server's machine:\n")
    listed = [
        (f"\n  {name} " in f"\n{part}") for name, part in [("config", remote), ("serve", machine), ("serve", remote)]
    ]
    assert [True, True, False] == listed


def test_help_says_what_commands_say() -> None:
    """The text of each command in the list is the first sentence of its own help."""
    for name, entry in main.entries.items():
        said = " ".join((entry.load().help or "").split("\n\n")[0].split())
        assert said.startswith(entry.text.rstrip(".")), name


def test_show_in_each_form(unchanging: Commands) -> None:
    """A config is shown as a table of 80 columns at most, as JSON and as YAML."""
    shown = unchanging("config", "show").stdout
    assert "Config 1 at revision 1: policy exact, loop off" == shown.splitlines()[0]
    assert max(map(len, shown.splitlines())) <= 80
    by_json = json.loads(unchanging("config", "show", "-o", "json").stdout)
    assert by_json == yaml.safe_load(unchanging("config", "show", "-o", "yaml").stdout)
    assert (1, 10) == (by_json["id"], by_json["distribution_rate"])
    assert "\x1b" not in shown


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_times_are_as_the_api_has_them(run: Commands, form: str) -> None:
    """Times for programs end in Z like those of the API; a text that looks like a time stays as it is."""
    text = "2026-01-02T03:04:05+00:00"
    run("config", "set", "--name", text)
    for command in (["config", "show"], ["config", "history"], ["config", "list"], ["remote-keys", "list"], ["stats"]):
        read = yaml.safe_load(run(*command, "-o", "json").stdout)
        printed = run(*command, "-o", form).stdout.replace(text, "")
        assert (True, False) == (bool(read), "+00:00" in printed), command
    assert text == json.loads(run("config", "show", "-o", "json").stdout)["name"]
    assert json.loads(run("config", "show", "-o", "json").stdout)["updated_at"].endswith("Z")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(["config", "rollback", "99"], "no revision 99. See 'balancer config history'.", id="rollback"),
        pytest.param(["config", "diff", "1", "99"], "no revision 99. See 'balancer config history'.", id="diff"),
        pytest.param(["rules", "diff", "0", "99"], "no revision 99. See 'balancer rules history'.", id="rules diff"),
        pytest.param(["rules", "rollback", "99"], "no revision 99. See 'balancer rules history'.", id="rules"),
        pytest.param(["config", "show", "--id", "9"], "See 'balancer config list'", id="config"),
        pytest.param(["remote-keys", "revoke", "9"], "See 'balancer remote-keys list'.", id="key"),
    ],
)
def test_what_is_not_there(unchanging: Commands, command: list[str], words: str) -> None:
    """What is not there is told with the command that lists what is."""
    assert words in unchanging(*command, code=4).stderr


def test_long_names_fit(run: Commands) -> None:
    """Names and hosts that are long go on in the next line, whole."""
    host = ".".join(["a" * 60] * 3) + ".example"
    run("config", "set", "--name", "n" * 100, "--cdn-host", host, "--yes")
    for command in (["config", "list"], ["config", "show"], ["targets"], ["config", "history"]):
        lines = run(*command).stdout.splitlines()
        assert max(map(len, lines)) <= 80, command
    shown = "".join(line[:80].strip() for line in run("targets").stdout.splitlines())
    assert shown.count("a" * 5) >= 10


def test_set_and_history(run: Commands) -> None:
    """A change is made with a reason, stands in the history, is compared and rolled back."""
    run("config", "set", "--rate", "9", "--policy", "sticky", "--reason", "A test.", "--yes")
    history = run("config", "history").stdout
    assert all(part in history for part in ("A test.", "policy: exact → sticky", "key:1"))
    assert "policy      exact       sticky" in run("config", "diff", "1", "2").stdout
    run("config", "rollback", "1", "--yes")
    assert 10 == json.loads(run("config", "show", "-o", "json").stdout)["distribution_rate"]
    assert "back to revision 1" in run("config", "history", "--limit", "1").stdout


def test_targets_by_options(run: Commands) -> None:
    """Targets are added, weighed, changed by field and removed, all in one change."""
    added = ["--add", "cdn-b=https://b.example/vod{path}", "--add", "cdn-c=c.example", "--weight", "cdn-b=3"]
    parts = ["--target", "cdn-b.tier=1", "--target", "cdn-b.check.url=/health", "--target", "cdn-c.enabled=false"]
    run("config", "set", *added, *parts, "--remove", "cdn", "--yes")
    found = json.loads(run("config", "show", "-o", "json").stdout)
    assert 2 == found["revision"]
    origin, second, third = found["targets"]
    assert ("origin", "cdn-b", "b.example", "https", 3, 1, "/health", False) == (
        *(origin["name"], second["name"], second["host"], second["scheme"], second["weight"], second["tier"]),
        *(second["check"]["url"], third["enabled"]),
    )
    run("config", "set", "--target", "cdn-b.check=null", "--yes")
    assert json.loads(run("config", "show", "-o", "json").stdout)["targets"][1]["check"] is None


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param([], 2, "--rate 4", id="nothing"),
        pytest.param(["--rate", "-1"], 2, "distribution_rate", id="rate"),
        pytest.param(["--rate", "x"], 2, "'--rate'", id="no number"),
        pytest.param(["--weight", "cdn"], 2, "it looks like --weight cdn-a=3", id="weight"),
        pytest.param(["--weight", "other=1"], 2, "the targets are: origin, cdn", id="unknown target"),
        pytest.param(["--weight", "cdn=999999999"], 2, "targets.cdn.weight must", id="weight too high"),
        pytest.param(["--target", "cdn.wieght=3"], 2, "no field 'wieght'", id="unknown field"),
        pytest.param(["--target", "cdn.check.urk=3"], 2, "no field 'urk'", id="unknown field of a check"),
        pytest.param(["--target", "cdn.kind=third"], 2, "cannot be like this", id="unknown kind"),
        pytest.param(["--target", "cdn.check=3"], 2, "targets[1].check must be", id="no check"),
        pytest.param(["--target", "cdn.weight=[[[["], 2, "targets", id="no YAML"),
        pytest.param(["--target", "cdn.weight={a: 1}"], 2, "targets", id="object"),
        pytest.param(["--loop", "maybe"], 2, "'--loop'", id="no state"),
        pytest.param(["--loop", "off", "--bound", "slope=3"], 2, "takes no --bound", id="bound of no loop"),
        pytest.param(["--bound", "slope"], 2, "it looks like --bound slope=10", id="bound"),
        pytest.param(["--bound", "min=3"], 2, "The loop has no bound 'min'", id="unknown bound"),
        pytest.param(["--bound", "cdn.slope=3"], 2, "A target has no bound 'slope'", id="unknown bound of a target"),
        pytest.param(["--bound", "slope=999"], 2, "loop.slope", id="bound too high"),
        pytest.param(["--bound", "other.min=1"], 2, "other", id="bound of no target"),
        pytest.param(["--add", "cdn=a.example"], 2, "already", id="there already"),
        pytest.param(["--add", "a b"], 2, "it looks like --add", id="no target"),
        pytest.param(["--remove", "third"], 2, "There is no target 'third'", id="removed already"),
        pytest.param(["--rate", "3", "--weight", "cdn=1"], 2, "not together", id="both views"),
        pytest.param(["--name", "a\x1b[31mb"], 2, "name", id="a name with an escape"),
        pytest.param(["--id", "7", "--rate", "3"], 4, "no config with id 7", id="no such config"),
    ],
)
def test_set_of_what_cannot_be(unchanging: Commands, options: list[str], code: int, words: str) -> None:
    """What cannot be is told in one line by field, and nothing is changed."""
    done = unchanging("config", "set", *options, "--yes", code=code)
    assert words in " ".join(done.stderr.split())
    assert "\x1b" not in done.output
    assert 1 == json.loads(unchanging("config", "show", "-o", "json").stdout)["revision"]


def test_rate_of_targets_that_have_none(run: Commands) -> None:
    """A rate of a config that a host and a rate cannot describe is refused with what to do instead."""
    run("config", "set", "--add", "cdn-b=b.example")
    assert "Change its targets, by --weight or --target." in run("config", "set", "--rate", "3", code=1).stderr


def test_much_of_the_traffic_is_asked_about(recorded: Recorded) -> None:
    """A change that moves more than half of the requests needs a yes; one that moves less does not."""
    run = Commands(recorded)
    refused = run("config", "set", "--rate", "1", code=7)
    assert "This sends 90 % of the requests of config 1 elsewhere." in refused.stderr
    assert "needs --yes" in refused.stderr
    assert [] == recorded.asked
    run("config", "set", "--rate", "2")
    run("drain", "cdn")
    run("undrain", "cdn")
    assert ["PATCH /config", "PATCH /config/target", "PATCH /config/target"] == recorded.asked
    run("config", "set", "--cdn-host", "other.example")
    run("config", "set", "--weight", "cdn=9", "--weight", "origin=1")
    assert "This sends 90 %" in run("config", "set", "--cdn-host", "third.example", code=7).stderr


def test_dry_runs_change_nothing(recorded: Recorded) -> None:
    """With `--dry-run` each change is shown and none is made."""
    run = Commands(recorded)
    assert "distribution_rate  10      4" in run("config", "set", "--rate", "4", "--dry-run").stdout
    assert "cdn.weight         9       0" in run("drain", "cdn", "--dry-run").stdout
    assert "A config would be made" in run("config", "create", "--add", "a=a.example", "--dry-run").stdout
    assert "would be deleted" in run("config", "delete", "1", "--dry-run").stdout
    assert "nothing would change" in run("config", "rollback", "1", "--dry-run").stdout
    told = run("rules", "set", "-", "--dry-run", given="rules: [{name: a, config_id: 1}]").stdout
    assert "config_id" in told
    assert [] == recorded.asked


def test_what_is_like_that_already(recorded: Recorded) -> None:
    """A change that would change nothing is not made, and said to be none."""
    run = Commands(recorded)
    assert "nothing was changed" in run("config", "set", "--rate", "10").stderr
    assert "nothing was changed" in run("undrain", "cdn").stderr
    assert [] == recorded.asked


def test_conflicts_are_told(recorded: Recorded) -> None:
    """What somebody else has changed since it was read is not overwritten, and the exit code says so."""
    run = Commands(recorded)
    recorded.refuse["PATCH /config"] = 412
    assert "Somebody has changed it since it was read" in run("config", "set", "--rate", "9", code=3).stderr


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        pytest.param(401, 5, "balancer login", id="401"),
        pytest.param(403, 5, "Use a key of that role.", id="403"),
        pytest.param(500, 1, "See the log of the service", id="500"),
        pytest.param(httpx.ConnectError("Connection refused"), 6, "whether it runs", id="nobody"),
        pytest.param(httpx.ReadTimeout("slow"), 6, "did not answer in time", id="slow"),
        pytest.param(KeyError("bug"), 1, "not understood", id="a bug"),
    ],
)
def test_remedies(recorded: Recorded, answer: object, code: int, words: str) -> None:
    """Each failure is one line with what to do, and an exit code of its own."""
    recorded.refuse["GET /config"] = answer
    done = Commands(recorded)("config", "show", code=code)
    assert words in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_no_service(unchanging: Commands) -> None:
    """Without a URL and a key the line says where they come from; a URL that is none is told."""
    assert "No service is named" in unchanging("targets", code=2, BALANCER_URL=None, BALANCER_API_KEY=None).stderr
    assert "There is no key" in unchanging("targets", code=2, BALANCER_API_KEY=None).stderr
    assert "is no URL" in unchanging("targets", code=2, BALANCER_URL="balancer").stderr
    assert "no key has" in unchanging("targets", code=2, BALANCER_API_KEY="a b").stderr


def test_a_drained_target_gets_its_weight_back(recorded: Recorded) -> None:
    """'drain' makes the weight 0, and 'undrain' what it was last, however much was changed meanwhile."""
    run = Commands(recorded)

    def cdn() -> tuple[int, bool]:
        (found,) = (one for one in json.loads(run("config", "show", "-o", "json").stdout)["targets"] if one["host"])
        return found["weight"], found["enabled"]

    run("config", "set", "--weight", "cdn=3", "--weight", "origin=2", "--yes")
    run("drain", "cdn", "--yes", "--reason", "Maintenance.")
    assert (0, True) == cdn()
    run("config", "set", "--name", "day")
    run("config", "set", "--weight", "origin=4")
    recorded.asked.clear()
    assert "cdn.weight  0       3" in run("undrain", "cdn", "--dry-run").stdout
    assert [] == recorded.asked
    run("undrain", "cdn")
    assert ((3, True), ["PATCH /config/target"]) == (cdn(), recorded.asked)
    run("drain", "cdn")
    run("undrain", "cdn", "--weight", "1")
    assert (1, True) == cdn()


def test_a_weight_above_the_bound_of_one_target_comes_back(run: Commands) -> None:
    """What a rate has made of a weight is given back whole."""
    run("config", "set", "--rate", "1000000")
    run("drain", "cdn", "--yes")
    run("undrain", "cdn", "--yes")
    assert 1_000_000 == json.loads(run("config", "show", "-o", "json").stdout)["distribution_rate"]


def test_undrain_of_what_is_disabled(run: Commands) -> None:
    """A disabled target gets its weight and stays disabled, and the hint tells how to enable it."""
    run("drain", "cdn", "--yes")
    run("config", "set", "--target", "cdn.enabled=false")
    told = run("undrain", "cdn").stderr
    assert "balancer: 'cdn' is disabled, so it gets nothing; 'balancer config set --id 1 --target cdn." in told
    assert (1, True) == (len(told.splitlines()), "disabled" in run("config", "show").stdout)
    target = json.loads(run("config", "show", "-o", "json").stdout)["targets"][1]
    assert (9, False) == (target["weight"], target["enabled"])


def test_undrain_of_what_never_had_a_weight(run: Commands) -> None:
    """Where the history has no weight above 0, the line says how to give one; a deleted revision has none."""
    run("config", "create", "--add", "origin", "--add", "cdn=a.example", "--weight", "cdn=0")
    run("config", "delete", "2", "--yes")
    run("config", "rollback", "1", "--id", "2")
    told = run("undrain", "cdn", "--id", "2", code=2).stderr
    assert ("--weight 1" in told, 1) == (True, len(told.splitlines()))
    run("undrain", "cdn", "--id", "2", "--weight", "1")


def test_a_drain_overwrites_nobody(recorded: Recorded) -> None:
    """A drain of what somebody else has changed since it was read is not made."""
    recorded.refuse["PATCH /config/target"] = 412
    assert "Somebody has changed it" in Commands(recorded)("drain", "cdn", "--yes", code=3).stderr


def test_drain_of_what_is_not_there(run: Commands) -> None:
    """A target that is not there is told with those that are; the last one cannot go; weight 0 brings none back."""
    assert "it has: origin, cdn" in run("drain", "third", code=4).stderr
    run("config", "set", "--rate", "2")
    run("drain", "cdn")
    assert "targets" in run("drain", "origin", "--yes", code=2).stderr
    run("undrain", "cdn", "--weight", "0", code=2)


def test_a_new_config_owes_nothing_to_the_default_one(recorded: Recorded) -> None:
    """A dry run of 'create' shows the config that would be made, whatever the default config is like."""
    run = Commands(recorded)
    run("config", "set", "--add", "cdn-b=b.example", "--policy", "sticky", "--slow-start", "9", "--bound", "slope=9")
    recorded.asked.clear()
    options = ["--name", "night", "--rate", "4", "--cdn-host", "night.example", "--bound", "cdn.max=60"]
    shown = run("config", "create", *options, "--dry-run").stdout
    assert "A config 'night' would be made: policy exact, loop on" == shown.splitlines()[0]
    shares = [line.split()[:3] for line in shown.splitlines() if " % " in line]
    assert [["origin", "25", "%"], ["cdn", "75", "%"]] == shares
    previewed = json.loads(run("config", "create", *options, "--dry-run", "-o", "json").stdout)
    assert [] == recorded.asked
    made = json.loads(run("config", "create", *options, "-o", "json").stdout)
    assert (None, previewed["after"]["config"]) == (
        previewed["before"],
        {field: made[field] for field in previewed["after"]["config"]},
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param([], "needs --rate and --cdn-host, or targets by --add", id="nothing"),
        pytest.param(["--rate", "4"], "needs --rate and --cdn-host, or targets by --add", id="no host"),
        pytest.param(["--rate", "-4", "--cdn-host", "a.example"], "distribution_rate", id="rate below zero"),
        pytest.param(["--rate", "1000001", "--cdn-host", "a.example"], "distribution_rate", id="rate too high"),
        pytest.param(["--rate", "4", "--cdn-host", "http://a.example"], "host", id="host with a scheme"),
        pytest.param(["--rate", "4", "--cdn-host", ""], "host", id="empty host"),
    ],
)
@pytest.mark.parametrize("more", [pytest.param([], id="made"), pytest.param(["--dry-run"], id="dry run")])
def test_create_of_what_cannot_be(unchanging: Commands, options: list[str], words: str, more: list[str]) -> None:
    """What no config can be is refused in one line, by a dry run as by the command itself."""
    done = unchanging("config", "create", *options, *more, code=2)
    assert (True, 1) == (words in done.stderr, len(done.stderr.splitlines()))


def test_the_highest_rate_is_previewed(unchanging: Commands) -> None:
    """A rate of which the weights are higher than a target's own may be is shown as well."""
    shown = unchanging("config", "create", "--rate", "1000000", "--cdn-host", "a.example", "--dry-run").stdout
    assert " 999999" in shown


def test_create_and_delete(run: Commands) -> None:
    """A config is made, listed and deleted; the default one is kept."""
    run("config", "create", "--rate", "0", "--cdn-host", "b.example", "--name", "night", "--reason", "A test.")
    assert "night" in run("config", "list").stdout
    assert "needs --yes" in run("config", "delete", "2", code=7).stderr
    assert "Config 2 'night' is deleted." in run("config", "delete", "2", "--yes").stdout
    run("config", "delete", "1", "--yes", code=1)
    assert "Config 2, which is deleted" in run("config", "rollback", "1", "--id", "2", "--dry-run").stdout
    assert "Config 2 'night' at revision 3" in run("config", "rollback", "1", "--id", "2").stdout
    assert "deleted it" in run("config", "rollback", "2", "--id", "2", code=2).stderr
    run("config", "rollback", "1", "--id", "3", code=4)


RULES = """\
rules:
- name: live
  config_id: 1
  when: {paths: [/live/], headers: [{name: User-Agent, contains: [Tizen]}]}
- name: rest
  config_id: 1
"""


def test_rules(run: Commands) -> None:
    """Rules are shown as a file that sets them, replaced, compared, rolled back."""
    assert "There are no rules" in run("rules", "show").stdout
    run("rules", "set", "-", given=RULES, code=7)
    run("rules", "set", "-", "--yes", given=RULES)
    shown = run("rules", "show", "-o", "yaml").stdout
    assert ["live", "rest"] == [rule["name"] for rule in yaml.safe_load(shown)["rules"]]
    assert "They are the same." in run("rules", "set", "-", "--dry-run", given=shown).stdout
    assert 'paths: ["/live/"]' in " ".join(run("rules", "show").stdout.split())
    run("rules", "rollback", "0", "--yes")
    assert "live" in run("rules", "diff", "0", "1").stdout
    assert 2 == len(json.loads(run("rules", "history", "-o", "json").stdout))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("rules: 3", "has no list 'rules'", id="no list"),
        pytest.param("[3]", "rules[0] is no object", id="no object"),
        pytest.param("[{name: a}]", "needs the field 'config_id'", id="no config"),
        pytest.param("[{name: a, config_id: 1, wen: {}}]", "has no field 'wen'", id="unknown field"),
        pytest.param("[{name: a, config_id: 1, when: 3}]", "cannot be like this", id="no conditions"),
        pytest.param("[{name: A, config_id: 1}]", "name", id="refused by the service"),
        pytest.param("{", "not YAML", id="no YAML"),
        pytest.param("\x00", "not YAML", id="no text"),
    ],
)
def test_rules_that_cannot_be(unchanging: Commands, text: str, words: str) -> None:
    """A file that cannot be rules is told by the place of the fault."""
    assert words in unchanging("rules", "set", "-", given=text, code=2).stderr


def test_looking(unchanging: Commands) -> None:
    """Targets, statistics and an explanation are shown for people and for programs."""
    assert "cdn.example.com" in unchanging("targets").stdout
    assert "No target got anything" in unchanging("stats").stdout
    assert 2 == unchanging("stats", "--watch", "--count", "2", "--interval", "0.1").stdout.count(" redirects")
    assert "301 http" in unchanging("explain", VIDEO, "--client", "192.0.2.7").stdout
    assert 422 == json.loads(unchanging("explain", "x", "-o", "json").stdout)["status"]
    assert "X-Explain-Client" in unchanging("explain", VIDEO, "--client", "nobody", code=2).stderr
    preview = unchanging("config", "preview", "--rate", "4", "--requests", "100", "--video", VIDEO).stdout
    assert all(part in preview for part in ("REQUESTS THEN", "25", VIDEO))
    assert "refused" in unchanging("config", "preview", "--rate", "4", "--video", "x").stdout


def test_the_loop_by_options(run: Commands) -> None:
    """The loop is switched on with bounds, changed bound by bound, frozen and switched off; tables tell of it."""
    run("config", "set", "--loop", "on", "--bound", "slope=7.5", "--bound", "cdn.min=5", "--bound", "origin.max=15")
    shown = run("config", "set", "--bound", "cdn.cost=3", "--bound", "min_sessions=50").stdout
    assert "Config 1 at revision 3: policy exact, loop on" == shown.splitlines()[0]
    assert [
        "Loop: slope=7.5 min_sessions=50 worse_by=3 worse_for=2 way_back=10",
        "  cdn: min=5 max=100 cost=3",
        "  origin: min=0 max=15 cost=1",
    ] == shown.splitlines()[-3:]
    assert "loop.is_frozen  false   true" in run("config", "set", "--loop", "frozen", "--dry-run").stdout
    assert ", loop frozen\n" in run("config", "set", "--loop", "frozen").stdout
    assert ", loop on\n" in run("config", "set", "--loop", "on").stdout
    assert "Loop:" not in run("config", "set", "--loop", "off").stdout
    assert json.loads(run("config", "show", "-o", "json").stdout)["loop"] is None


def test_a_config_is_made_with_a_loop(run: Commands) -> None:
    """A new config has the loop that its options say."""
    made = run("config", "create", "--rate", "2", "--cdn-host", "a.example", "--bound", "cdn.max=60", "-o", "json")
    loop = json.loads(made.stdout)["loop"]
    assert (False, 5, [{"name": "cdn", "min": 0, "max": 60, "cost": 1}]) == (
        *(loop["is_frozen"], loop["slope"], loop["targets"]),
    )


def test_remote_keys_are_only_looked_at(recorded: Recorded) -> None:
    """With `--dry-run` it is said what would be done to keys, and nothing is asked for but to be read."""
    run = Commands(recorded)
    create = ["remote-keys", "create", "--name", "a", "--role", "viewer", "--dry-run"]
    assert "A key 'a' (viewer) would be made, without an end.\n" == run(*create).stdout
    shown = run(*create, "--expires", "2027-01-01", "-o", "json").stdout
    assert {"created": {"name": "a", "role": "viewer", "expires_at": "2027-01-01T00:00:00Z"}} == json.loads(shown)
    name = json.loads(run("remote-keys", "list", "-o", "json").stdout)[0]["name"]
    assert f"Key 1 '{name}' (admin) would be revoked.\n" == run("remote-keys", "revoke", "1", "--dry-run").stdout
    assert "There is no API key 7" in run("remote-keys", "revoke", "7", "--dry-run", code=4).stderr
    assert [] == recorded.asked


def test_remote_keys() -> None:
    """Keys are made, listed and revoked by a key; the secret alone goes to standard output."""
    with commands(make_test_app()) as run:
        made = run("remote-keys", "create", "--name", "a", "--role", "viewer", "--expires", "2027-01-01")
        assert made.stdout.startswith("vbk_")
        assert "viewer" in run("remote-keys", "list").stdout
        number = json.loads(run("remote-keys", "list", "-o", "json").stdout)[1]["id"]
        assert "is revoked" in run("remote-keys", "revoke", str(number)).stdout
        assert "Make another one first." in run("remote-keys", "revoke", "1", code=1).stderr


def test_login(run: Commands, tmp_path: Path) -> None:
    """A key is checked and kept, and used from then on; a wrong one is not kept, and none is printed."""
    none: dict[str, Any] = {"BALANCER_URL": None, "BALANCER_API_KEY": None, "XDG_CONFIG_HOME": str(tmp_path)}
    assert "not known" in run("login", "http://balancer.example", given="vbk_wrong\n", code=5, **none).stderr
    assert "No key was given." in run("login", "http://balancer.example", given="\n", code=2, **none).stderr
    run("targets", code=2, **none)
    done = run("login", "http://balancer.example/", "--profile", "test", given=f"{KEY}\n", **none)
    assert ("'test'" in done.stdout, KEY in done.output, "unencrypted" in done.stderr) == (True, False, True)
    assert "cdn" in run("targets", **none).stdout
    assert "cdn" in run("targets", "--profile", "test", **none).stdout
    assert "no profile 'other'" in run("targets", "--profile", "other", code=2, **none).stderr
    assert "Say which service" in run("login", code=2, **none).stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(unchanging: Commands, shell: str) -> None:
    """Each shell gets a script that asks the program."""
    assert "_BALANCER_COMPLETE" in unchanging("completion", shell).stdout


def test_controls_reach_no_terminal() -> None:
    """What a service says is shown without what a terminal would obey."""
    told = {"status": 422, "title": "\x1b[2J", "detail": "\x1b]0;a\x07b\nc", "type": "about:blank"}
    service = httpx.MockTransport(lambda _: httpx.Response(422, json=told))
    done = Commands(service)("config", "show", code=2)
    assert ("\x1b" in done.output, 1) == (False, len(done.stderr.splitlines()))
