"""What admins do, with the Python client against a running service, with and without `await`."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from balancer_client import (
    AsyncBalancer,
    Balancer,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    StaleRevision,
    Unauthenticated,
    Unreachable,
    etag,
)
from balancer_client.models import (
    ConfigPatch,
    KeyRequest,
    NewConfig,
    NewRules,
    PolicyName,
    PreviewRequest,
    RoleName,
    Rollback,
    RuleItem,
    RulesPreviewRequest,
    RulesRollback,
    SampleRequest,
    Target,
    TargetPatch,
    When,
)
from tests.factories import KEY, VIDEO
from tests.integration.conftest import Start
from tests.processes import free_port

Ask = Callable[..., Any]
"""Calls a method by its name: `ask("read_config", id=1)`."""


@pytest.fixture(params=["sync", pytest.param("async", marks=pytest.mark.long)])
def asking(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Ask]]:
    """Return a function that gives a way to ask a service by a key, by each of the clients."""
    clients: list[Balancer] = []
    awaited: list[AsyncBalancer] = []

    def by(url: str, key: str) -> Ask:
        client = Balancer(url, key)
        clients.append(client)
        return lambda name, *given, **named: getattr(client, name)(*given, **named)

    def by_awaiting(runner: asyncio.Runner) -> Callable[[str, str], Ask]:
        def by(url: str, key: str) -> Ask:
            client = AsyncBalancer(url, key)
            awaited.append(client)

            async def call(method: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
                return await method(*given, **named)

            return lambda name, *given, **named: runner.run(call(getattr(client, name), *given, **named))

        return by

    if request.param == "sync":
        yield by
        for client in clients:
            client.close()
        return
    with asyncio.Runner() as runner:
        yield by_awaiting(runner)
        for each in awaited:
            runner.run(each.aclose())


def test_walk(start: Start, asking: Callable[[str, str], Ask]) -> None:
    """Everything that an admin can ask is asked, typed, and a change of what has changed is refused."""
    url = start().url
    ask = asking(url, KEY)
    assert "ok" == ask("live").status
    assert "ok" == ask("ready").status.value
    targets = [Target(name="cdn-a", host="a.example", weight=3), Target(name="cdn-b", host="b.example")]
    made = ask("create_config", NewConfig(targets=targets, name="night", reason="A test."))
    assert ("night", 1, PolicyName.EXACT, None) == (made.name, made.revision, made.policy, made.cdn_host)
    read = ask("read_config", id=made.id)
    assert made == read
    assert [1, made.id] == [config.id for config in ask("list_configs").items]

    asked = PreviewRequest(id=made.id, policy=PolicyName.FAILOVER, videos=[VIDEO], requests=100)
    preview = ask("preview_config", asked)
    assert [75, 25] == [share.requests for share in preview.before.shares]
    assert [100, 0] == [share.requests for share in preview.after.shares]
    patch = TargetPatch(id=made.id, name="cdn-b", weight=2, reason="More.")
    changed = ask("change_target", patch, if_match=etag(read))
    assert [3, 2] == [target.weight for target in changed.targets]
    with pytest.raises(StaleRevision) as stale:
        ask("change_config", ConfigPatch(id=made.id, name="day"), if_match=etag(read))
    assert 2 == stale.value.revision
    with pytest.raises(InvalidRequest) as wrong:
        ask("change_config", ConfigPatch(id=made.id, targets=[Target(name="cdn-a", host="a.example", weight=-1)]))
    assert ["targets.cdn-a.weight"] == [fault.field for fault in wrong.value.errors]
    with pytest.raises(Conflict) as unfit:
        ask("change_config", ConfigPatch(id=made.id, distribution_rate=2))
    assert unfit.value.type.endswith(":not-simple")

    latest, first = ask("read_history", id=made.id).items
    assert (2, "More.", 1) == (latest.revision, latest.reason, first.revision)
    assert first.document == ask("read_revision", id=made.id, revision=1).document
    diff = ask("compare_revisions", id=made.id, from_=1, to=2)
    (change,) = diff.target_changes
    assert ("cdn-b", "weight", 1, 2) == (change.target, change.field, change.before, change.after)
    back = ask("roll_back_config", Rollback(id=made.id, revision=1), if_match=etag(changed))
    assert (3, targets[1].weight) == (back.revision, back.targets[1].weight)

    _walk_rules(ask, made.id)
    assert VIDEO == ask("explain", video=VIDEO, x_explain_client="192.0.2.7").steps[1].finding.split()[-1].rstrip(".")
    assert ["origin", "cdn"] == [state.name for state in ask("read_targets").targets]
    assert "host" == ask("read_stats", window="1m").scope.value

    _walk_keys(url, asking, made.id)
    ask("delete_config", id=made.id, if_match=etag(back), reason="Done.")
    with pytest.raises(NotFound):
        ask("read_config", id=made.id)


def _walk_keys(url: str, asking: Callable[[str, str], Ask], config_id: int) -> None:
    ask = asking(url, KEY)
    key = ask("create_key", KeyRequest(name="reader", role=RoleName.VIEWER))
    reader = asking(url, key.key)
    assert 1 == reader("read_config").id
    with pytest.raises(Forbidden):
        reader("delete_config", id=config_id)
    assert ["first", "reader"] == [one.name for one in ask("list_keys").items]
    ask("revoke_key", id=key.id)
    with pytest.raises(Unauthenticated):
        reader("read_config")


def _walk_rules(ask: Ask, config_id: int) -> None:
    none = ask("read_rules")
    assert (0, []) == (none.revision, none.rules)
    rule = RuleItem(name="live", config_id=config_id, when=When(paths=["/live/"]))
    live = SampleRequest(video="http://s1.origin-cluster/live/1.m3u8")
    preview = ask("preview_rules", RulesPreviewRequest(rules=[rule], requests=[live]))
    assert (None, "live") == (preview.requests[0].before.rule, preview.requests[0].after.rule)
    made = ask("replace_rules", NewRules(rules=[rule], reason="Live."), if_match=etag(none))
    assert [rule.name] == [one.name for one in made.rules]
    with pytest.raises(StaleRevision):
        ask("replace_rules", NewRules(rules=[]), if_match=etag(none))
    assert [1] == [entry.revision for entry in ask("read_rules_history").items]
    assert 1 == len(ask("read_rules_revision", revision=1).rules)
    assert ["live"] == sorted({change.rule for change in ask("compare_rules", from_=0, to=1).changes})
    assert [] == ask("roll_back_rules", RulesRollback(revision=0), if_match=etag(made)).rules


def test_nobody_is_there(asking: Callable[[str, str], Ask]) -> None:
    """Where nobody listens, the error names the address and not the key."""
    port = free_port()
    with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port} cannot be reached"):
        asking(f"http://127.0.0.1:{port}", KEY)("read_config")


BLOCK = re.compile(r"^```(python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_document(start: Start) -> None:
    """The programs of docs/client.md, one after the other and after a first start, print what stands below them."""
    document = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
    blocks = BLOCK.findall(document.partition("## TypeScript and JavaScript")[0])
    program, shown = ("".join(text for kind, text in blocks if kind == wanted) for wanted in ("python", "text"))
    environment = os.environ | {"BALANCER_URL": start().url, "BALANCER_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (shown, "") == (done.stdout, done.stderr)
