from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatsQuality")


@_attrs_define
class StatsQuality:
    """How players fared at a target in the last five minutes; `GET /quality` has more."""

    sessions: int
    """ How many sessions reported. """
    starved_share: float | None
    """ In which part of them the buffer ran empty, from 0 to 1. """
    throughput_kbps_median: float | None
    """ As the players measured it; null when nobody told it. """
    start_ms_p95: float | None
    """ Time to start that 5 % of the starts exceed; null when nobody told it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sessions = self.sessions

        starved_share: float | None
        starved_share = self.starved_share

        throughput_kbps_median: float | None
        throughput_kbps_median = self.throughput_kbps_median

        start_ms_p95: float | None
        start_ms_p95 = self.start_ms_p95

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessions": sessions,
                "starved_share": starved_share,
                "throughput_kbps_median": throughput_kbps_median,
                "start_ms_p95": start_ms_p95,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        sessions = d.pop("sessions")

        def _parse_starved_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        starved_share = _parse_starved_share(d.pop("starved_share"))

        def _parse_throughput_kbps_median(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        throughput_kbps_median = _parse_throughput_kbps_median(d.pop("throughput_kbps_median"))

        def _parse_start_ms_p95(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        start_ms_p95 = _parse_start_ms_p95(d.pop("start_ms_p95"))

        stats_quality = cls(
            sessions=sessions,
            starved_share=starved_share,
            throughput_kbps_median=throughput_kbps_median,
            start_ms_p95=start_ms_p95,
        )

        stats_quality.additional_properties = d
        return stats_quality

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
