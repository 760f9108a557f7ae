"""The steps that make configs and rules what a file says; each knows how it is taken back."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from balancer.cli.declared.files import item
from balancer.cli.declared.shapes import Json
from balancer.cli.remote.changes import change_rows, given, moved
from balancer_client import Balancer, etag
from balancer_client.models import (
    Config,
    ConfigPatch,
    NewConfig,
    NewRules,
    Preview,
    Rollback,
    RuleList,
    RulesRollback,
)

Undo = Callable[[], Any]
"""Takes a step back."""


@dataclass
class Work:
    """Under way: whom to ask, why, and what has been made.

    Attributes:
        balancer: Whom to ask.
        reason: For the history.
        made: Ids of new configs, by their place in the file.
    """

    balancer: Balancer
    reason: str | None
    made: dict[int, int]


class Step(ABC):
    """One change.

    Attributes:
        verb: `create`, `change`, `replace` or `delete`.
        what: `config 1 'main'`, or `rules`.
    """

    verb: str
    what: str

    @abstractmethod
    def do(self, work: Work) -> Undo:
        """Make the change, and return what takes it back."""

    def rows(self) -> list[tuple[object, ...]]:
        """Return what changes: the field, before and after."""
        return []

    def moved(self) -> float:
        """Return which share of a config's requests goes elsewhere, from 0 to 1."""
        return 0.0


@dataclass
class Create(Step):
    """A config that is not there yet; `place` is its place in the file."""

    place: int
    fields: Json
    verb = "create"

    def __post_init__(self) -> None:
        self.what = f"config '{self.fields['name']}'"

    @override
    def do(self, work: Work) -> Undo:
        made = work.balancer.create_config(NewConfig.from_dict({**self.fields, "reason": work.reason}))
        work.made[self.place] = made.id
        return lambda: work.balancer.delete_config(id=made.id, if_match=etag(made), reason=given(work.reason))


@dataclass
class Change(Step):
    """A config that differs from the file."""

    config: Config
    fields: Json
    preview: Preview
    verb = "change"

    def __post_init__(self) -> None:
        self.what = told(self.config)

    @override
    def rows(self) -> list[tuple[object, ...]]:
        return change_rows(self.preview.changes, self.preview.target_changes)

    @override
    def moved(self) -> float:
        return moved(self.preview)

    @override
    def do(self, work: Work) -> Undo:
        patch = ConfigPatch.from_dict({**self.fields, "id": self.config.id, "reason": work.reason})
        changed = work.balancer.change_config(patch, if_match=etag(self.config))
        back = Rollback(id=self.config.id, revision=self.config.revision, reason=given(work.reason))
        return lambda: work.balancer.roll_back_config(back, if_match=etag(changed))


@dataclass
class Replace(Step):
    """Rules that differ from the file; each with the id of its config, or the place of one that is to be made."""

    found: RuleList
    wanted: list[tuple[Json, "Chosen"]]
    differences: list[tuple[object, ...]]
    verb = "replace"
    what = "rules"

    @override
    def rows(self) -> list[tuple[object, ...]]:
        return self.differences

    @override
    def do(self, work: Work) -> Undo:
        rules = [item(rule, chosen.id_in(work.made)) for rule, chosen in self.wanted]
        changed = work.balancer.replace_rules(
            NewRules(rules=rules, reason=given(work.reason)), if_match=etag(self.found)
        )
        back = RulesRollback(revision=self.found.revision, reason=given(work.reason))
        return lambda: work.balancer.roll_back_rules(back, if_match=etag(changed))


@dataclass
class Delete(Step):
    """A config that the file does not name."""

    config: Config
    verb = "delete"

    def __post_init__(self) -> None:
        self.what = told(self.config)

    @override
    def do(self, work: Work) -> Undo:
        work.balancer.delete_config(id=self.config.id, if_match=etag(self.config), reason=given(work.reason))
        back = Rollback(id=self.config.id, revision=self.config.revision, reason=given(work.reason))
        return lambda: work.balancer.roll_back_config(back)


@dataclass(frozen=True)
class Chosen:
    """The config that a rule chooses.

    Attributes:
        id: Its id, None of one that is to be made.
        place: Of that one in the file.
    """

    id: int | None
    place: int = -1

    def id_in(self, made: dict[int, int]) -> int:
        """Return its id, of what has been made by now."""
        return made[self.place] if self.id is None else self.id


def told(config: Config) -> str:
    """Return a config as it is spoken of."""
    return f"config {config.id}" + (f" '{config.name}'" if config.name else "")
