from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.when import When


T = TypeVar("T", bound="RuleItem")


@_attrs_define
class RuleItem:
    """One rule: the requests that match get a config."""

    name: str
    """ Unique among the rules: 1 to 64 of a to z, 0 to 9 and `-`. """
    config_id: int
    """ Which config. """
    when: When | Unset = UNSET
    """ What a rule asks of a request: all of this must hold. Of several values in one list one is enough. """
    enabled: bool | Unset = True
    """ Whether it is asked at all. """

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        config_id = self.config_id

        when: dict[str, Any] | Unset = UNSET
        if not isinstance(self.when, Unset):
            when = self.when.to_dict()

        enabled = self.enabled

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "config_id": config_id,
            }
        )
        if when is not UNSET:
            field_dict["when"] = when
        if enabled is not UNSET:
            field_dict["enabled"] = enabled

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.when import When  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        config_id = d.pop("config_id")

        _when = d.pop("when", UNSET)
        when: When | Unset
        if isinstance(_when, Unset):
            when = UNSET
        else:
            when = When.from_dict(_when)

        enabled = d.pop("enabled", UNSET)

        rule_item = cls(
            name=name,
            config_id=config_id,
            when=when,
            enabled=enabled,
        )

        return rule_item
