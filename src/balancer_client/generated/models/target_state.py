from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.target_state_kind import TargetStateKind
from ..models.target_state_loop_why import TargetStateLoopWhy
from ..models.target_state_verdict import TargetStateVerdict

T = TypeVar("T", bound="TargetState")


@_attrs_define
class TargetState:
    """How a target is."""

    config: int
    """ The id of its config. """
    name: str
    """ Its name there. """
    kind: TargetStateKind
    """ `origin` or `cdn`. """
    host: None | str
    """ Of a CDN; null for an origin. """
    weight: int
    """ As configured. """
    tier: int
    """ The lowest tier that has a usable target serves. """
    enabled: bool
    """ Whether it may be used. """
    verdict: TargetStateVerdict
    """ `healthy`, `unhealthy`, or `unknown`, which counts as usable. """
    since: datetime.datetime | None
    """ Since when; null while there is no verdict. """
    why: str
    """ What the last probe found, or why there is no verdict. """
    part: float
    """ Of its weight that its health leaves it, from 0 to 1; a recovered target grows. """
    loop_part: float | None
    """ Of its weight that the loop leaves it beside that, from 0.001 to 1; null where the loop does nothing. """
    loop_why: None | TargetStateLoopWhy
    """ Why the loop moves nothing in its config, or else why the target lost or gained last; null where there is no
    loop. """
    url: None | str
    """ What is asked; null while it is not watched. """
    probed_at: datetime.datetime | None
    """ When it was asked last; null before the first time. """
    latency_ms: float | None
    """ How long it took to answer then. """
    certificate_days: float | None
    """ Days until the certificate that it showed runs out; below 0 when it has, null without one. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        config = self.config

        name = self.name

        kind = self.kind.value

        host: None | str
        host = self.host

        weight = self.weight

        tier = self.tier

        enabled = self.enabled

        verdict = self.verdict.value

        since: None | str
        if isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        why = self.why

        part = self.part

        loop_part: float | None
        loop_part = self.loop_part

        loop_why: None | str
        if isinstance(self.loop_why, TargetStateLoopWhy):
            loop_why = self.loop_why.value
        else:
            loop_why = self.loop_why

        url: None | str
        url = self.url

        probed_at: None | str
        if isinstance(self.probed_at, datetime.datetime):
            probed_at = self.probed_at.isoformat()
        else:
            probed_at = self.probed_at

        latency_ms: float | None
        latency_ms = self.latency_ms

        certificate_days: float | None
        certificate_days = self.certificate_days

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "config": config,
                "name": name,
                "kind": kind,
                "host": host,
                "weight": weight,
                "tier": tier,
                "enabled": enabled,
                "verdict": verdict,
                "since": since,
                "why": why,
                "part": part,
                "loop_part": loop_part,
                "loop_why": loop_why,
                "url": url,
                "probed_at": probed_at,
                "latency_ms": latency_ms,
                "certificate_days": certificate_days,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        config = d.pop("config")

        name = d.pop("name")

        kind = TargetStateKind(d.pop("kind"))

        def _parse_host(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        host = _parse_host(d.pop("host"))

        weight = d.pop("weight")

        tier = d.pop("tier")

        enabled = d.pop("enabled")

        verdict = TargetStateVerdict(d.pop("verdict"))

        def _parse_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        since = _parse_since(d.pop("since"))

        why = d.pop("why")

        part = d.pop("part")

        def _parse_loop_part(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        loop_part = _parse_loop_part(d.pop("loop_part"))

        def _parse_loop_why(data: object) -> None | TargetStateLoopWhy:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                loop_why_type_0 = TargetStateLoopWhy(data)

                return loop_why_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TargetStateLoopWhy, data)

        loop_why = _parse_loop_why(d.pop("loop_why"))

        def _parse_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        url = _parse_url(d.pop("url"))

        def _parse_probed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                probed_at_type_0 = datetime.datetime.fromisoformat(data)

                return probed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        probed_at = _parse_probed_at(d.pop("probed_at"))

        def _parse_latency_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        latency_ms = _parse_latency_ms(d.pop("latency_ms"))

        def _parse_certificate_days(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        certificate_days = _parse_certificate_days(d.pop("certificate_days"))

        target_state = cls(
            config=config,
            name=name,
            kind=kind,
            host=host,
            weight=weight,
            tier=tier,
            enabled=enabled,
            verdict=verdict,
            since=since,
            why=why,
            part=part,
            loop_part=loop_part,
            loop_why=loop_why,
            url=url,
            probed_at=probed_at,
            latency_ms=latency_ms,
            certificate_days=certificate_days,
        )

        target_state.additional_properties = d
        return target_state

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
