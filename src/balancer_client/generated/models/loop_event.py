from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.loop_event_why import LoopEventWhy

if TYPE_CHECKING:
    from ..models.loop_seen import LoopSeen


T = TypeVar("T", bound="LoopEvent")


@_attrs_define
class LoopEvent:
    """What has moved from one target to another within a minute, for one reason."""

    config: int
    """ The id of the config. """
    at: datetime.datetime
    """ The beginning of the minute. """
    source: str
    """ The target that lost. """
    to: str
    """ The one that gained. """
    points: float
    """ Percentage points of all sessions. """
    why: LoopEventWhy
    """ The reason. """
    worse_by: float | None
    """ By how many points more of the first one's sessions were in trouble; null when that could not be told. """
    at_least: float | None
    """ The same after all doubts. """
    source_seen: LoopSeen
    """ How a target fared when share moved. """
    to_seen: LoopSeen
    """ How a target fared when share moved. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        config = self.config

        at = self.at.isoformat()

        source = self.source

        to = self.to

        points = self.points

        why = self.why.value

        worse_by: float | None
        worse_by = self.worse_by

        at_least: float | None
        at_least = self.at_least

        source_seen = self.source_seen.to_dict()

        to_seen = self.to_seen.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "config": config,
                "at": at,
                "source": source,
                "to": to,
                "points": points,
                "why": why,
                "worse_by": worse_by,
                "at_least": at_least,
                "source_seen": source_seen,
                "to_seen": to_seen,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop_seen import LoopSeen  # noqa: PLC0415

        d = dict(src_dict)
        config = d.pop("config")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        source = d.pop("source")

        to = d.pop("to")

        points = d.pop("points")

        why = LoopEventWhy(d.pop("why"))

        def _parse_worse_by(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        worse_by = _parse_worse_by(d.pop("worse_by"))

        def _parse_at_least(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        at_least = _parse_at_least(d.pop("at_least"))

        source_seen = LoopSeen.from_dict(d.pop("source_seen"))

        to_seen = LoopSeen.from_dict(d.pop("to_seen"))

        loop_event = cls(
            config=config,
            at=at,
            source=source,
            to=to,
            points=points,
            why=why,
            worse_by=worse_by,
            at_least=at_least,
            source_seen=source_seen,
            to_seen=to_seen,
        )

        loop_event.additional_properties = d
        return loop_event

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
