from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.policy_name import PolicyName
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.loop import Loop
    from ..models.target import Target


T = TypeVar("T", bound="NewConfig")


@_attrs_define
class NewConfig:
    """A config to create, and why. Give either `targets`, or `cdn_host` and `distribution_rate`."""

    cdn_host: str | Unset = UNSET
    """ Host of the CDN, with its port unless that is the default. """
    distribution_rate: int | Unset = UNSET
    """ N: every N-th request goes to the origin; 1 is always, 0 is never. """
    name: None | str | Unset = UNSET
    """ What admins call it, at most 100 characters. """
    reason: None | str | Unset = UNSET
    """ One line for the history, at most 500 characters. """
    policy: PolicyName | Unset = UNSET
    """ How a config's requests are spread over its targets. """
    sticky_key: str | Unset = UNSET
    """ Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value of that
    query parameter). """
    panic_threshold: int | Unset = UNSET
    """ Health is ignored when less than this percentage of the tier's weight is healthy and no later tier can take
    over; 0 turns that off. `failover` ignores it. """
    slow_start: float | Unset = UNSET
    """ Seconds over which a recovered target returns to its full weight; 0 is at once. """
    targets: list[Target] | Unset = UNSET
    """ Where players may be sent; the order matters to `failover`. """
    loop: Loop | None | Unset = UNSET
    """ How far shares may follow the quality that players report; null when they do not. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.loop import Loop  # noqa: PLC0415

        cdn_host = self.cdn_host

        distribution_rate = self.distribution_rate

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        policy: str | Unset = UNSET
        if not isinstance(self.policy, Unset):
            policy = self.policy.value

        sticky_key = self.sticky_key

        panic_threshold = self.panic_threshold

        slow_start = self.slow_start

        targets: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.targets, Unset):
            targets = []
            for targets_item_data in self.targets:
                targets_item = targets_item_data.to_dict()
                targets.append(targets_item)

        loop: dict[str, Any] | None | Unset
        if isinstance(self.loop, Unset):
            loop = UNSET
        elif isinstance(self.loop, Loop):
            loop = self.loop.to_dict()
        else:
            loop = self.loop

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if cdn_host is not UNSET:
            field_dict["cdn_host"] = cdn_host
        if distribution_rate is not UNSET:
            field_dict["distribution_rate"] = distribution_rate
        if name is not UNSET:
            field_dict["name"] = name
        if reason is not UNSET:
            field_dict["reason"] = reason
        if policy is not UNSET:
            field_dict["policy"] = policy
        if sticky_key is not UNSET:
            field_dict["sticky_key"] = sticky_key
        if panic_threshold is not UNSET:
            field_dict["panic_threshold"] = panic_threshold
        if slow_start is not UNSET:
            field_dict["slow_start"] = slow_start
        if targets is not UNSET:
            field_dict["targets"] = targets
        if loop is not UNSET:
            field_dict["loop"] = loop

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop import Loop  # noqa: PLC0415
        from ..models.target import Target  # noqa: PLC0415

        d = dict(src_dict)
        cdn_host = d.pop("cdn_host", UNSET)

        distribution_rate = d.pop("distribution_rate", UNSET)

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        _policy = d.pop("policy", UNSET)
        policy: PolicyName | Unset
        if isinstance(_policy, Unset):
            policy = UNSET
        else:
            policy = PolicyName(_policy)

        sticky_key = d.pop("sticky_key", UNSET)

        panic_threshold = d.pop("panic_threshold", UNSET)

        slow_start = d.pop("slow_start", UNSET)

        _targets = d.pop("targets", UNSET)
        targets: list[Target] | Unset = UNSET
        if _targets is not UNSET:
            targets = []
            for targets_item_data in _targets:
                targets_item = Target.from_dict(targets_item_data)

                targets.append(targets_item)

        def _parse_loop(data: object) -> Loop | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                loop_type_0 = Loop.from_dict(data)

                return loop_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Loop | None | Unset, data)

        loop = _parse_loop(d.pop("loop", UNSET))

        new_config = cls(
            cdn_host=cdn_host,
            distribution_rate=distribution_rate,
            name=name,
            reason=reason,
            policy=policy,
            sticky_key=sticky_key,
            panic_threshold=panic_threshold,
            slow_start=slow_start,
            targets=targets,
            loop=loop,
        )

        return new_config
