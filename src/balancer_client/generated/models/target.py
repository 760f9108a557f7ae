from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.kind import Kind
from ..models.scheme import Scheme
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.check import Check


T = TypeVar("T", bound="Target")


@_attrs_define
class Target:
    """A place where players may be sent."""

    name: str
    """ Unique in the config: 1 to 32 characters of a to z, 0 to 9 and `-`. """
    kind: Kind | Unset = UNSET
    """ What a target is. """
    host: None | str | Unset = UNSET
    """ Host of the CDN, with its port unless that is the default. Null for an origin. """
    scheme: Scheme | Unset = UNSET
    """ By which scheme a player is sent to a CDN. """
    path: None | str | Unset = UNSET
    """ Template of the path at the CDN: `{path}` exactly once, and optionally `{server}` and `{host}`, the first
    label and the whole host of the origin. Null for an origin. """
    weight: int | Unset = 1
    """ Its share of the requests of its tier, relative to the other targets there, from 0 to 10000; 0 drains it and
    makes it a standby. """
    tier: int | Unset = 0
    """ From 0 to 63. The lowest tier with a usable target serves all requests. """
    enabled: bool | Unset = True
    """ False takes it out altogether, also as a standby. """
    check: Check | None | Unset = UNSET
    """ How its health is checked; null for no check. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.check import Check  # noqa: PLC0415

        name = self.name

        kind: str | Unset = UNSET
        if not isinstance(self.kind, Unset):
            kind = self.kind.value

        host: None | str | Unset
        if isinstance(self.host, Unset):
            host = UNSET
        else:
            host = self.host

        scheme: str | Unset = UNSET
        if not isinstance(self.scheme, Unset):
            scheme = self.scheme.value

        path: None | str | Unset
        if isinstance(self.path, Unset):
            path = UNSET
        else:
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

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if kind is not UNSET:
            field_dict["kind"] = kind
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

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.check import Check  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        _kind = d.pop("kind", UNSET)
        kind: Kind | Unset
        if isinstance(_kind, Unset):
            kind = UNSET
        else:
            kind = Kind(_kind)

        def _parse_host(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        host = _parse_host(d.pop("host", UNSET))

        _scheme = d.pop("scheme", UNSET)
        scheme: Scheme | Unset
        if isinstance(_scheme, Unset):
            scheme = UNSET
        else:
            scheme = Scheme(_scheme)

        def _parse_path(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        path = _parse_path(d.pop("path", UNSET))

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

        target = cls(
            name=name,
            kind=kind,
            host=host,
            scheme=scheme,
            path=path,
            weight=weight,
            tier=tier,
            enabled=enabled,
            check=check,
        )

        return target
