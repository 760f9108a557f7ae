"""Changing the rules."""

from collections.abc import Callable, Collection
from contextlib import suppress

from balancer.core.configs.revisions import Signature
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.ports import ConfigNotices, RulesChanged
from balancer.core.errors import InvalidInput, StaleRules, StoreUnavailable, UnknownFormat
from balancer.core.rules.documents import RuleList
from balancer.core.rules.ports import ClientPlaces, RuleRecord
from balancer.core.rules.revisions import RuleRevision

GEO_SETTING = "BALANCER_GEO_DATABASE"
"""The setting that names the database of clients' places."""


class RuleChanges:
    """Changes the rules, all of them by one revision.

    Args:
        record: The record.
        places: Tells which rules can be asked here at all.
        in_force: What this process serves by.
        notices: How the others learn of it.

    Attributes:
        on_change: Called when there is something to tell the others. Must not block.
    """

    def __init__(
        self, record: RuleRecord, places: ClientPlaces, in_force: ConfigInForce, notices: ConfigNotices
    ) -> None:
        self._record = record
        self._places = places
        self._in_force = in_force
        self._notices = notices
        self._untold: RulesChanged | None = None
        self.on_change: Callable[[], None] | None = None

    async def replace(
        self, rules: RuleList, signature: Signature, expected: Collection[int] | None = None
    ) -> RuleRevision:
        """Make these the rules.

        Args:
            rules: All of them.
            signature: Signs the revision.
            expected: Numbers of the revisions that the rules may be at; None allows any.

        Raises:
            InvalidInput: When a rule names a config that there is not, or asks what nobody can tell.
            StaleRules: When the rules are at another revision than those expected.
            StoreUnavailable: When the change could not be recorded; nothing has changed then.
        """
        self.check_places(rules)
        return await self._edit(rules, signature, expected)

    async def roll_back(
        self, number: int, signature: Signature, expected: Collection[int] | None = None
    ) -> RuleRevision:
        """Make the rules what they were at an earlier revision, by a new one; number 0 is no rules.

        Raises:
            RuleRevisionNotFound: When there is no such revision.
            InvalidInput: As for `replace`: a config may have been deleted since.
            StaleRules: When the rules are at another revision than those expected.
            StoreUnavailable: When the change could not be recorded; nothing has changed then.
        """
        earlier = await self._record.get(number)
        self.check_places(earlier.rules)
        return await self._edit(earlier.rules, signature, expected, number)

    async def tell(self) -> None:
        """Tell the other processes of the last change, if they have not been told."""
        changed, self._untold = self._untold, None
        if changed:
            # A process that hears no notice finds the change on record within the polling interval.
            with suppress(StoreUnavailable):
                await self._notices.publish(changed)

    def check_places(self, rules: RuleList) -> None:
        """See that this process can tell what rules ask about the places of clients.

        Raises:
            InvalidInput: When it cannot; names the setting.
        """
        known = {"countries": self._places.has_countries, "asns": self._places.has_asns}
        for rule in rules.rules:
            for field, is_known in known.items():
                if getattr(rule.when, field) and not is_known:
                    fault = f"needs a database that knows the {field} of clients; {GEO_SETTING} names none"
                    raise InvalidInput(f"rules.{rule.name}.when.{field}", fault)

    async def _edit(
        self, rules: RuleList, signature: Signature, expected: Collection[int] | None, restored: int | None = None
    ) -> RuleRevision:
        def edit(before: RuleRevision) -> RuleList:
            if expected is not None and before.number not in expected:
                raise StaleRules(before.number)
            return rules

        revision = await self._record.edit(edit, signature, restored)
        # They are on record: what fails from here on is made up for by the next look at it.
        with suppress(StoreUnavailable, UnknownFormat):
            await self._in_force.hear_rules(revision.number)
        self._untold = RulesChanged(revision.number)
        if self.on_change:
            self.on_change()
        return revision
