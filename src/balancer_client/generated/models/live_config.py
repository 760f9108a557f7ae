from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.live_config_policy import LiveConfigPolicy
from ..models.live_config_reason import LiveConfigReason

if TYPE_CHECKING:
    from ..models.live_config_shares import LiveConfigShares


T = TypeVar("T", bound="LiveConfig")


@_attrs_define
class LiveConfig:
    """A config that is in force."""

    id: int
    """ Its id. """
    name: None | str
    """ What admins call it, or null. """
    revision: int
    """ In force in this process. """
    policy: LiveConfigPolicy
    """ How requests are spread. """
    reason: LiveConfigReason
    """ Why requests go where they go, whichever they are. """
    shares: LiveConfigShares
    """ By target, which part of the requests it is to have now, from 0 to 1. """
    redirects_per_second: float
    """ Over the last ten seconds. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name: None | str
        name = self.name

        revision = self.revision

        policy = self.policy.value

        reason = self.reason.value

        shares = self.shares.to_dict()

        redirects_per_second = self.redirects_per_second

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "revision": revision,
                "policy": policy,
                "reason": reason,
                "shares": shares,
                "redirects_per_second": redirects_per_second,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.live_config_shares import LiveConfigShares  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        revision = d.pop("revision")

        policy = LiveConfigPolicy(d.pop("policy"))

        reason = LiveConfigReason(d.pop("reason"))

        shares = LiveConfigShares.from_dict(d.pop("shares"))

        redirects_per_second = d.pop("redirects_per_second")

        live_config = cls(
            id=id,
            name=name,
            revision=revision,
            policy=policy,
            reason=reason,
            shares=shares,
            redirects_per_second=redirects_per_second,
        )

        live_config.additional_properties = d
        return live_config

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
