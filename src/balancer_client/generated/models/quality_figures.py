from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.quality_figures_errors import QualityFiguresErrors


T = TypeVar("T", bound="QualityFigures")


@_attrs_define
class QualityFigures:
    """How players fared. Sessions are estimates, within some 5 %, and so are the other figures."""

    reports: int
    """ How many reports came. """
    sessions: int
    """ How many sessions sent them. """
    starved: int
    """ In how many of these the buffer ran empty. """
    starved_share: float | None
    """ Which part of the sessions that is, from 0 to 1; null without any. """
    starved_seconds: float
    """ For how long, all in all. """
    start_ms_median: float | None
    """ Time to start; null when nobody told it. """
    start_ms_p95: float | None
    """ The same, which 5 % of the starts exceed. """
    throughput_kbps_median: float | None
    """ Throughput; null when nobody told it. """
    throughput_kbps_p5: float | None
    """ The same, below which 5 % of the sessions are. """
    errors: QualityFiguresErrors
    """ How many sessions reported each error, added up over steps of ten seconds: `http 503`, `http 0` for no
    response, `player` with a code of the player's own, or `other`. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        reports = self.reports

        sessions = self.sessions

        starved = self.starved

        starved_share: float | None
        starved_share = self.starved_share

        starved_seconds = self.starved_seconds

        start_ms_median: float | None
        start_ms_median = self.start_ms_median

        start_ms_p95: float | None
        start_ms_p95 = self.start_ms_p95

        throughput_kbps_median: float | None
        throughput_kbps_median = self.throughput_kbps_median

        throughput_kbps_p5: float | None
        throughput_kbps_p5 = self.throughput_kbps_p5

        errors = self.errors.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "reports": reports,
                "sessions": sessions,
                "starved": starved,
                "starved_share": starved_share,
                "starved_seconds": starved_seconds,
                "start_ms_median": start_ms_median,
                "start_ms_p95": start_ms_p95,
                "throughput_kbps_median": throughput_kbps_median,
                "throughput_kbps_p5": throughput_kbps_p5,
                "errors": errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.quality_figures_errors import QualityFiguresErrors  # noqa: PLC0415

        d = dict(src_dict)
        reports = d.pop("reports")

        sessions = d.pop("sessions")

        starved = d.pop("starved")

        def _parse_starved_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        starved_share = _parse_starved_share(d.pop("starved_share"))

        starved_seconds = d.pop("starved_seconds")

        def _parse_start_ms_median(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        start_ms_median = _parse_start_ms_median(d.pop("start_ms_median"))

        def _parse_start_ms_p95(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        start_ms_p95 = _parse_start_ms_p95(d.pop("start_ms_p95"))

        def _parse_throughput_kbps_median(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        throughput_kbps_median = _parse_throughput_kbps_median(d.pop("throughput_kbps_median"))

        def _parse_throughput_kbps_p5(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        throughput_kbps_p5 = _parse_throughput_kbps_p5(d.pop("throughput_kbps_p5"))

        errors = QualityFiguresErrors.from_dict(d.pop("errors"))

        quality_figures = cls(
            reports=reports,
            sessions=sessions,
            starved=starved,
            starved_share=starved_share,
            starved_seconds=starved_seconds,
            start_ms_median=start_ms_median,
            start_ms_p95=start_ms_p95,
            throughput_kbps_median=throughput_kbps_median,
            throughput_kbps_p5=throughput_kbps_p5,
            errors=errors,
        )

        quality_figures.additional_properties = d
        return quality_figures

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
