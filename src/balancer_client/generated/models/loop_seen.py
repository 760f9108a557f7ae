from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LoopSeen")


@_attrs_define
class LoopSeen:
    """How a target fared when share moved."""

    sessions: int
    """ How many that rests on. """
    networks: int
    """ From how many networks. """
    troubled: float
    """ Percentage of the sessions that starved, failed or were late. """
    starved: float
    """ Percentage whose buffer ran empty. """
    failed: float
    """ Percentage that reported an error. """
    late: float
    """ Percentage that took long to start. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sessions = self.sessions

        networks = self.networks

        troubled = self.troubled

        starved = self.starved

        failed = self.failed

        late = self.late

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessions": sessions,
                "networks": networks,
                "troubled": troubled,
                "starved": starved,
                "failed": failed,
                "late": late,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        sessions = d.pop("sessions")

        networks = d.pop("networks")

        troubled = d.pop("troubled")

        starved = d.pop("starved")

        failed = d.pop("failed")

        late = d.pop("late")

        loop_seen = cls(
            sessions=sessions,
            networks=networks,
            troubled=troubled,
            starved=starved,
            failed=failed,
            late=late,
        )

        loop_seen.additional_properties = d
        return loop_seen

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
