from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.readiness_status import ReadinessStatus

if TYPE_CHECKING:
    from ..models.config_health import ConfigHealth
    from ..models.dependency_health import DependencyHealth


T = TypeVar("T", bound="Readiness")


@_attrs_define
class Readiness:
    """Whether the process can serve."""

    status: ReadinessStatus
    """ `ok`, `degraded` (it serves, without something), or `unable`. """
    config: ConfigHealth | None
    """ Null while none is known. """
    fallbacks: list[str]
    """ How it goes on without what is missing. """
    dependencies: list[DependencyHealth]
    """ The stores. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.config_health import ConfigHealth  # noqa: PLC0415

        status = self.status.value

        config: dict[str, Any] | None
        if isinstance(self.config, ConfigHealth):
            config = self.config.to_dict()
        else:
            config = self.config

        fallbacks = self.fallbacks

        dependencies = []
        for dependencies_item_data in self.dependencies:
            dependencies_item = dependencies_item_data.to_dict()
            dependencies.append(dependencies_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "config": config,
                "fallbacks": fallbacks,
                "dependencies": dependencies,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.config_health import ConfigHealth  # noqa: PLC0415
        from ..models.dependency_health import DependencyHealth  # noqa: PLC0415

        d = dict(src_dict)
        status = ReadinessStatus(d.pop("status"))

        def _parse_config(data: object) -> ConfigHealth | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                config_type_0 = ConfigHealth.from_dict(data)

                return config_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConfigHealth | None, data)

        config = _parse_config(d.pop("config"))

        fallbacks = cast(list[str], d.pop("fallbacks"))

        dependencies = []
        _dependencies = d.pop("dependencies")
        for dependencies_item_data in _dependencies:
            dependencies_item = DependencyHealth.from_dict(dependencies_item_data)

            dependencies.append(dependencies_item)

        readiness = cls(
            status=status,
            config=config,
            fallbacks=fallbacks,
            dependencies=dependencies,
        )

        readiness.additional_properties = d
        return readiness

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
