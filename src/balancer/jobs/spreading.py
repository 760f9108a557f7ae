"""Spreading what was changed here."""

import asyncio
from contextvars import copy_context

from balancer.core.control.changes import ConfigChanges
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.rule_changes import RuleChanges


class Spreading:
    """Tells the other processes what was changed here, and copies what is in force; no request waits for either.

    What it does belongs to the trace of the change, and its lines have the change's request id.

    Args:
        changes: Of configs, made here.
        rule_changes: Of rules, made here.
        in_force: What is in force.
    """

    def __init__(self, changes: ConfigChanges, rule_changes: RuleChanges, in_force: ConfigInForce) -> None:
        self._changes = changes
        self._rule_changes = rule_changes
        self._in_force = in_force
        self._due = asyncio.Event()
        self._context = copy_context()
        changes.on_change = rule_changes.on_change = in_force.on_change = self._note

    async def step(self) -> None:
        """Wait for a change, and spread it."""
        await self._due.wait()
        self._due.clear()
        await asyncio.create_task(self._spread(), context=self._context)

    def _note(self) -> None:
        self._context = copy_context()
        self._due.set()

    async def _spread(self) -> None:
        await asyncio.gather(self._changes.tell(), self._rule_changes.tell(), self._in_force.copy())
