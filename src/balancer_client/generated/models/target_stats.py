from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.target_stats_verdict import TargetStatsVerdict

if TYPE_CHECKING:
    from ..models.stats_quality import StatsQuality


T = TypeVar("T", bound="TargetStats")


@_attrs_define
class TargetStats:
    """What a target had."""

    target: str
    """ Its name. """
    redirects: int
    """ How many. """
    share: float
    """ Which part of the config's, from 0 to 1. """
    configured: float | None
    """ Which part it is to have now; null when the config is not in force. """
    verdict: None | TargetStatsVerdict
    """ Of its health now; null when nothing is told of that. """
    quality: None | StatsQuality
    """ How players fared there, of whichever config; null when none has reported. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.stats_quality import StatsQuality  # noqa: PLC0415

        target = self.target

        redirects = self.redirects

        share = self.share

        configured: float | None
        configured = self.configured

        verdict: None | str
        if isinstance(self.verdict, TargetStatsVerdict):
            verdict = self.verdict.value
        else:
            verdict = self.verdict

        quality: dict[str, Any] | None
        if isinstance(self.quality, StatsQuality):
            quality = self.quality.to_dict()
        else:
            quality = self.quality

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "target": target,
                "redirects": redirects,
                "share": share,
                "configured": configured,
                "verdict": verdict,
                "quality": quality,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.stats_quality import StatsQuality  # noqa: PLC0415

        d = dict(src_dict)
        target = d.pop("target")

        redirects = d.pop("redirects")

        share = d.pop("share")

        def _parse_configured(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        configured = _parse_configured(d.pop("configured"))

        def _parse_verdict(data: object) -> None | TargetStatsVerdict:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                verdict_type_0 = TargetStatsVerdict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TargetStatsVerdict, data)

        verdict = _parse_verdict(d.pop("verdict"))

        def _parse_quality(data: object) -> None | StatsQuality:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                quality_type_0 = StatsQuality.from_dict(data)

                return quality_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatsQuality, data)

        quality = _parse_quality(d.pop("quality"))

        target_stats = cls(
            target=target,
            redirects=redirects,
            share=share,
            configured=configured,
            verdict=verdict,
            quality=quality,
        )

        target_stats.additional_properties = d
        return target_stats

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
