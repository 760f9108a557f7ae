from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.stats_answer_scope import StatsAnswerScope

if TYPE_CHECKING:
    from ..models.config_stats import ConfigStats
    from ..models.stats_answer_rate_limited import StatsAnswerRateLimited
    from ..models.stats_answer_refusals import StatsAnswerRefusals


T = TypeVar("T", bound="StatsAnswer")


@_attrs_define
class StatsAnswer:
    """What was served in a time."""

    begin: datetime.datetime
    """ From when on; whole steps of ten seconds are counted. """
    end: datetime.datetime
    """ Until when. """
    scope: StatsAnswerScope
    """ `host` for all workers of this host, `fleet` for all hosts that share a Redis. """
    hosts: int
    """ How many of them had anything to tell. """
    redirects: int
    """ How many. """
    refusals: StatsAnswerRefusals
    """ By reason, without those that there were none of. """
    rate_limited: StatsAnswerRateLimited
    """ By policy, as above. """
    configs: list[ConfigStats]
    """ By config and target. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        begin = self.begin.isoformat()

        end = self.end.isoformat()

        scope = self.scope.value

        hosts = self.hosts

        redirects = self.redirects

        refusals = self.refusals.to_dict()

        rate_limited = self.rate_limited.to_dict()

        configs = []
        for configs_item_data in self.configs:
            configs_item = configs_item_data.to_dict()
            configs.append(configs_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "begin": begin,
                "end": end,
                "scope": scope,
                "hosts": hosts,
                "redirects": redirects,
                "refusals": refusals,
                "rate_limited": rate_limited,
                "configs": configs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.config_stats import ConfigStats  # noqa: PLC0415
        from ..models.stats_answer_rate_limited import StatsAnswerRateLimited  # noqa: PLC0415
        from ..models.stats_answer_refusals import StatsAnswerRefusals  # noqa: PLC0415

        d = dict(src_dict)
        begin = datetime.datetime.fromisoformat(d.pop("begin"))

        end = datetime.datetime.fromisoformat(d.pop("end"))

        scope = StatsAnswerScope(d.pop("scope"))

        hosts = d.pop("hosts")

        redirects = d.pop("redirects")

        refusals = StatsAnswerRefusals.from_dict(d.pop("refusals"))

        rate_limited = StatsAnswerRateLimited.from_dict(d.pop("rate_limited"))

        configs = []
        _configs = d.pop("configs")
        for configs_item_data in _configs:
            configs_item = ConfigStats.from_dict(configs_item_data)

            configs.append(configs_item)

        stats_answer = cls(
            begin=begin,
            end=end,
            scope=scope,
            hosts=hosts,
            redirects=redirects,
            refusals=refusals,
            rate_limited=rate_limited,
            configs=configs,
        )

        stats_answer.additional_properties = d
        return stats_answer

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
