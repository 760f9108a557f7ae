from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.live_step_redirects import LiveStepRedirects


T = TypeVar("T", bound="LiveStep")


@_attrs_define
class LiveStep:
    """What was served in ten seconds."""

    begin: int
    """ Seconds since 1970 at which they begin. """
    redirects: LiveStepRedirects
    """ By id of the config and by target. """
    refusals: int
    """ Of all reasons together. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        begin = self.begin

        redirects = self.redirects.to_dict()

        refusals = self.refusals

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "begin": begin,
                "redirects": redirects,
                "refusals": refusals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.live_step_redirects import LiveStepRedirects  # noqa: PLC0415

        d = dict(src_dict)
        begin = d.pop("begin")

        redirects = LiveStepRedirects.from_dict(d.pop("redirects"))

        refusals = d.pop("refusals")

        live_step = cls(
            begin=begin,
            redirects=redirects,
            refusals=refusals,
        )

        live_step.additional_properties = d
        return live_step

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
