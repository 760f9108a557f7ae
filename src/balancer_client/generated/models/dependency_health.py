from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dependency_health_status import DependencyHealthStatus

T = TypeVar("T", bound="DependencyHealth")


@_attrs_define
class DependencyHealth:
    """How a store is."""

    name: str
    """ `database`, `redis`, `data folder` or `identity provider`. """
    status: DependencyHealthStatus
    """ `ok`, `down`, or `unknown` while the first probe is under way. """
    latency_ms: float | None
    """ Until it answered, or until that was given up; null while it is unknown. """
    age_seconds: float | None
    """ Since then; null while it is unknown. """
    fallback: None | str
    """ What goes on without it; null while it is there. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        status = self.status.value

        latency_ms: float | None
        latency_ms = self.latency_ms

        age_seconds: float | None
        age_seconds = self.age_seconds

        fallback: None | str
        fallback = self.fallback

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "status": status,
                "latency_ms": latency_ms,
                "age_seconds": age_seconds,
                "fallback": fallback,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        status = DependencyHealthStatus(d.pop("status"))

        def _parse_latency_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        latency_ms = _parse_latency_ms(d.pop("latency_ms"))

        def _parse_age_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        age_seconds = _parse_age_seconds(d.pop("age_seconds"))

        def _parse_fallback(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        fallback = _parse_fallback(d.pop("fallback"))

        dependency_health = cls(
            name=name,
            status=status,
            latency_ms=latency_ms,
            age_seconds=age_seconds,
            fallback=fallback,
        )

        dependency_health.additional_properties = d
        return dependency_health

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
