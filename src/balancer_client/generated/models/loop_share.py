from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LoopShare")


@_attrs_define
class LoopShare:
    """What the loop gives one target. All is null while nothing is known of it."""

    target: str
    """ Its name. """
    configured: float | None
    """ The share of sessions that the config gives it with the targets that are usable now; 0 when it is not. """
    share: float | None
    """ The share that the loop gives it. """
    part: float | None
    """ Of its weight that the loop leaves it for that, from 0.001 to 1. """
    worse_since: datetime.datetime | None
    """ Since when it is worse than another target; null when it is not. """
    good_since: datetime.datetime | None
    """ Since when it is not; null when it is. """
    tries: int | None
    """ How often in a row it was worse again soon after share came back; each doubles the time of the way back. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        target = self.target

        configured: float | None
        configured = self.configured

        share: float | None
        share = self.share

        part: float | None
        part = self.part

        worse_since: None | str
        if isinstance(self.worse_since, datetime.datetime):
            worse_since = self.worse_since.isoformat()
        else:
            worse_since = self.worse_since

        good_since: None | str
        if isinstance(self.good_since, datetime.datetime):
            good_since = self.good_since.isoformat()
        else:
            good_since = self.good_since

        tries: int | None
        tries = self.tries

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "target": target,
                "configured": configured,
                "share": share,
                "part": part,
                "worse_since": worse_since,
                "good_since": good_since,
                "tries": tries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        target = d.pop("target")

        def _parse_configured(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        configured = _parse_configured(d.pop("configured"))

        def _parse_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        share = _parse_share(d.pop("share"))

        def _parse_part(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        part = _parse_part(d.pop("part"))

        def _parse_worse_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                worse_since_type_0 = datetime.datetime.fromisoformat(data)

                return worse_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        worse_since = _parse_worse_since(d.pop("worse_since"))

        def _parse_good_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                good_since_type_0 = datetime.datetime.fromisoformat(data)

                return good_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        good_since = _parse_good_since(d.pop("good_since"))

        def _parse_tries(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        tries = _parse_tries(d.pop("tries"))

        loop_share = cls(
            target=target,
            configured=configured,
            share=share,
            part=part,
            worse_since=worse_since,
            good_since=good_since,
            tries=tries,
        )

        loop_share.additional_properties = d
        return loop_share

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
