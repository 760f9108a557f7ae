from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SettingState")


@_attrs_define
class SettingState:
    """A setting of this process."""

    name: str
    """ Of its variable: `BALANCER_PORT`. """
    value: str
    """ As it would stand there; empty when it is not given. Of a secret `******`, and without users and passwords
    in URLs. """
    secret: bool
    """ Whether it is one. """
    default: bool
    """ Whether nobody said it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        value = self.value

        secret = self.secret

        default = self.default

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "value": value,
                "secret": secret,
                "default": default,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        value = d.pop("value")

        secret = d.pop("secret")

        default = d.pop("default")

        setting_state = cls(
            name=name,
            value=value,
            secret=secret,
            default=default,
        )

        setting_state.additional_properties = d
        return setting_state

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
