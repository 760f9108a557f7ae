from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.policy_name import PolicyName

if TYPE_CHECKING:
    from ..models.loop import Loop
    from ..models.target import Target


T = TypeVar("T", bound="Document")


@_attrs_define
class Document:
    """What admins decide in a config."""

    name: None | str
    """ What they call it; null when it has no name. """
    cdn_host: None | str
    """ Host of the CDN, with its port unless that is the default. Null where a host and a rate cannot describe the
    targets. """
    distribution_rate: int | None
    """ N: every N-th request goes to the origin; 1 is always, 0 is never. Null where `cdn_host` is. """
    policy: PolicyName
    """ How a config's requests are spread over its targets. """
    sticky_key: str
    """ Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value of that
    query parameter). """
    panic_threshold: int
    """ Health is ignored when less than this percentage of the tier's weight is healthy and no later tier can take
    over; 0 turns that off. `failover` ignores it. """
    slow_start: float
    """ Seconds over which a recovered target returns to its full weight; 0 is at once. """
    targets: list[Target]
    """ Where players may be sent; the order matters to `failover`. """
    loop: Loop | None
    """ How far shares may follow the quality that players report; null when they do not. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.loop import Loop  # noqa: PLC0415

        name: None | str
        name = self.name

        cdn_host: None | str
        cdn_host = self.cdn_host

        distribution_rate: int | None
        distribution_rate = self.distribution_rate

        policy = self.policy.value

        sticky_key = self.sticky_key

        panic_threshold = self.panic_threshold

        slow_start = self.slow_start

        targets = []
        for targets_item_data in self.targets:
            targets_item = targets_item_data.to_dict()
            targets.append(targets_item)

        loop: dict[str, Any] | None
        if isinstance(self.loop, Loop):
            loop = self.loop.to_dict()
        else:
            loop = self.loop

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "cdn_host": cdn_host,
                "distribution_rate": distribution_rate,
                "policy": policy,
                "sticky_key": sticky_key,
                "panic_threshold": panic_threshold,
                "slow_start": slow_start,
                "targets": targets,
                "loop": loop,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop import Loop  # noqa: PLC0415
        from ..models.target import Target  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        def _parse_cdn_host(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        cdn_host = _parse_cdn_host(d.pop("cdn_host"))

        def _parse_distribution_rate(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        distribution_rate = _parse_distribution_rate(d.pop("distribution_rate"))

        policy = PolicyName(d.pop("policy"))

        sticky_key = d.pop("sticky_key")

        panic_threshold = d.pop("panic_threshold")

        slow_start = d.pop("slow_start")

        targets = []
        _targets = d.pop("targets")
        for targets_item_data in _targets:
            targets_item = Target.from_dict(targets_item_data)

            targets.append(targets_item)

        def _parse_loop(data: object) -> Loop | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                loop_type_0 = Loop.from_dict(data)

                return loop_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Loop | None, data)

        loop = _parse_loop(d.pop("loop"))

        document = cls(
            name=name,
            cdn_host=cdn_host,
            distribution_rate=distribution_rate,
            policy=policy,
            sticky_key=sticky_key,
            panic_threshold=panic_threshold,
            slow_start=slow_start,
            targets=targets,
            loop=loop,
        )

        document.additional_properties = d
        return document

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
