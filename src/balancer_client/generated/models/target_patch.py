from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.scheme import Scheme
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.check import Check


T = TypeVar("T", bound="TargetPatch")


@_attrs_define
class TargetPatch:
    """What to change in one target of a config, and why."""

    name: str
    """ Which target. """
    id: int
    """ Which config. """
    host: str | Unset = UNSET
    """ Host of the CDN, with its port unless that is the default. """
    scheme: Scheme | Unset = UNSET
    """ By which scheme a player is sent to a CDN. """
    path: str | Unset = UNSET
    """ Template of the path at the CDN, with `{path}` exactly once. """
    weight: int | Unset = UNSET
    """ Its share of the requests of its tier, relative to the other targets there; 0 drains it and makes it a
    standby. """
    tier: int | Unset = UNSET
    """ From 0 to 63. The lowest tier with a usable target serves all requests. """
    enabled: bool | Unset = UNSET
    """ False takes it out altogether, also as a standby. """
    check: Check | None | Unset = UNSET
    """ How its health is checked, with all fields that are not at their defaults; null for no check. """
    reason: None | str | Unset = UNSET
    """ One line for the history, at most 500 characters. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.check import Check  # noqa: PLC0415

        name = self.name

        id = self.id

        host = self.host

        scheme: str | Unset = UNSET
        if not isinstance(self.scheme, Unset):
            scheme = self.scheme.value

        path = self.path

        weight = self.weight

        tier = self.tier

        enabled = self.enabled

        check: dict[str, Any] | None | Unset
        if isinstance(self.check, Unset):
            check = UNSET
        elif isinstance(self.check, Check):
            check = self.check.to_dict()
        else:
            check = self.check

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "id": id,
            }
        )
        if host is not UNSET:
            field_dict["host"] = host
        if scheme is not UNSET:
            field_dict["scheme"] = scheme
        if path is not UNSET:
            field_dict["path"] = path
        if weight is not UNSET:
            field_dict["weight"] = weight
        if tier is not UNSET:
            field_dict["tier"] = tier
        if enabled is not UNSET:
            field_dict["enabled"] = enabled
        if check is not UNSET:
            field_dict["check"] = check
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.check import Check  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        id = d.pop("id")

        host = d.pop("host", UNSET)

        _scheme = d.pop("scheme", UNSET)
        scheme: Scheme | Unset
        if isinstance(_scheme, Unset):
            scheme = UNSET
        else:
            scheme = Scheme(_scheme)

        path = d.pop("path", UNSET)

        weight = d.pop("weight", UNSET)

        tier = d.pop("tier", UNSET)

        enabled = d.pop("enabled", UNSET)

        def _parse_check(data: object) -> Check | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                check_type_0 = Check.from_dict(data)

                return check_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Check | None | Unset, data)

        check = _parse_check(d.pop("check", UNSET))

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        target_patch = cls(
            name=name,
            id=id,
            host=host,
            scheme=scheme,
            path=path,
            weight=weight,
            tier=tier,
            enabled=enabled,
            check=check,
            reason=reason,
        )

        return target_patch
