from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.live_status import LiveStatus

if TYPE_CHECKING:
    from ..models.live_config import LiveConfig
    from ..models.live_fallbacks import LiveFallbacks
    from ..models.live_step import LiveStep
    from ..models.stats_answer import StatsAnswer
    from ..models.target_state import TargetState


T = TypeVar("T", bound="Live")


@_attrs_define
class Live:
    """How things are, for all workers of this host, or for all hosts that share a Redis."""

    at: datetime.datetime
    """ As of when. """
    status: LiveStatus
    """ Of this process, as `GET /health/ready` tells it. """
    workers: int
    """ How many of this host are alive. """
    fallbacks: LiveFallbacks
    """ How many of them go on without a store, by how they do. """
    redirects_per_second: float
    """ Over the last ten seconds. """
    refusals_per_second: float
    """ The same. """
    p50_ms: float | None
    """ Within which time half of the redirects of this host were answered in the last minute, from a request's
    bytes to its answer; null without any. """
    p99_ms: float | None
    """ The same for 99 of 100. """
    default: int | None
    """ The id of the default config; null while none is in force. """
    configs: list[LiveConfig]
    """ Those in force, by id. """
    targets: list[TargetState]
    """ As `GET /targets` tells them. """
    stats: StatsAnswer
    """ What was served in a time. """
    steps: list[LiveStep]
    """ The last ten minutes in the first event, and in the others what may have changed since. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        status = self.status.value

        workers = self.workers

        fallbacks = self.fallbacks.to_dict()

        redirects_per_second = self.redirects_per_second

        refusals_per_second = self.refusals_per_second

        p50_ms: float | None
        p50_ms = self.p50_ms

        p99_ms: float | None
        p99_ms = self.p99_ms

        default: int | None
        default = self.default

        configs = []
        for configs_item_data in self.configs:
            configs_item = configs_item_data.to_dict()
            configs.append(configs_item)

        targets = []
        for targets_item_data in self.targets:
            targets_item = targets_item_data.to_dict()
            targets.append(targets_item)

        stats = self.stats.to_dict()

        steps = []
        for steps_item_data in self.steps:
            steps_item = steps_item_data.to_dict()
            steps.append(steps_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "status": status,
                "workers": workers,
                "fallbacks": fallbacks,
                "redirects_per_second": redirects_per_second,
                "refusals_per_second": refusals_per_second,
                "p50_ms": p50_ms,
                "p99_ms": p99_ms,
                "default": default,
                "configs": configs,
                "targets": targets,
                "stats": stats,
                "steps": steps,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.live_config import LiveConfig  # noqa: PLC0415
        from ..models.live_fallbacks import LiveFallbacks  # noqa: PLC0415
        from ..models.live_step import LiveStep  # noqa: PLC0415
        from ..models.stats_answer import StatsAnswer  # noqa: PLC0415
        from ..models.target_state import TargetState  # noqa: PLC0415

        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        status = LiveStatus(d.pop("status"))

        workers = d.pop("workers")

        fallbacks = LiveFallbacks.from_dict(d.pop("fallbacks"))

        redirects_per_second = d.pop("redirects_per_second")

        refusals_per_second = d.pop("refusals_per_second")

        def _parse_p50_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p50_ms = _parse_p50_ms(d.pop("p50_ms"))

        def _parse_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p99_ms = _parse_p99_ms(d.pop("p99_ms"))

        def _parse_default(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        default = _parse_default(d.pop("default"))

        configs = []
        _configs = d.pop("configs")
        for configs_item_data in _configs:
            configs_item = LiveConfig.from_dict(configs_item_data)

            configs.append(configs_item)

        targets = []
        _targets = d.pop("targets")
        for targets_item_data in _targets:
            targets_item = TargetState.from_dict(targets_item_data)

            targets.append(targets_item)

        stats = StatsAnswer.from_dict(d.pop("stats"))

        steps = []
        _steps = d.pop("steps")
        for steps_item_data in _steps:
            steps_item = LiveStep.from_dict(steps_item_data)

            steps.append(steps_item)

        live = cls(
            at=at,
            status=status,
            workers=workers,
            fallbacks=fallbacks,
            redirects_per_second=redirects_per_second,
            refusals_per_second=refusals_per_second,
            p50_ms=p50_ms,
            p99_ms=p99_ms,
            default=default,
            configs=configs,
            targets=targets,
            stats=stats,
            steps=steps,
        )

        live.additional_properties = d
        return live

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
