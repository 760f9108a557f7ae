from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="HeaderField")


@_attrs_define
class HeaderField:
    """A header field that a request must have, with a value that one of the texts fits."""

    name: str
    """ Its name, such as `User-Agent`. """
    contains: list[str] | Unset = UNSET
    """ Texts of which the value must contain one, whatever their case. """
    equals: list[str] | Unset = UNSET
    """ Texts of which the value must be one. """

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        contains: list[str] | Unset = UNSET
        if not isinstance(self.contains, Unset):
            contains = self.contains

        equals: list[str] | Unset = UNSET
        if not isinstance(self.equals, Unset):
            equals = self.equals

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if contains is not UNSET:
            field_dict["contains"] = contains
        if equals is not UNSET:
            field_dict["equals"] = equals

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        contains = cast(list[str], d.pop("contains", UNSET))

        equals = cast(list[str], d.pop("equals", UNSET))

        header_field = cls(
            name=name,
            contains=contains,
            equals=equals,
        )

        return header_field
