from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.explained_reason import ExplainedReason

if TYPE_CHECKING:
    from ..models.explained_loop_parts import ExplainedLoopParts
    from ..models.explained_skipped import ExplainedSkipped
    from ..models.finding import Finding


T = TypeVar("T", bound="Explained")


@_attrs_define
class Explained:
    """What a player would be answered, and why. Null stands for what was not reached."""

    status: int
    """ Status of the answer: 301 when the player would be redirected. """
    reason: ExplainedReason | None
    """ Why the player would be sent to that target, or would be refused. """
    location: None | str
    """ Where the player would be sent. """
    config_id: int | None
    """ Which config decides: that of the rule that matches, or the default one. """
    revision: int | None
    """ Its revision in force. """
    host_pattern: None | str
    """ The pattern of allowed origins that the video's host matches. """
    ticket: int | None
    """ The next ticket of this process for that config; explaining does not take it. """
    target: None | str
    """ Name of the target that the player would be sent to. """
    loop_parts: ExplainedLoopParts
    """ Which part of its weight the loop leaves each target, by name; empty where it does nothing. """
    skipped: ExplainedSkipped
    """ Why each of the other targets was not chosen, by name. """
    steps: list[Finding]
    """ How the answer was reached, in order, up to the step that settled it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status

        reason: None | str
        if isinstance(self.reason, ExplainedReason):
            reason = self.reason.value
        else:
            reason = self.reason

        location: None | str
        location = self.location

        config_id: int | None
        config_id = self.config_id

        revision: int | None
        revision = self.revision

        host_pattern: None | str
        host_pattern = self.host_pattern

        ticket: int | None
        ticket = self.ticket

        target: None | str
        target = self.target

        loop_parts = self.loop_parts.to_dict()

        skipped = self.skipped.to_dict()

        steps = []
        for steps_item_data in self.steps:
            steps_item = steps_item_data.to_dict()
            steps.append(steps_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "reason": reason,
                "location": location,
                "config_id": config_id,
                "revision": revision,
                "host_pattern": host_pattern,
                "ticket": ticket,
                "target": target,
                "loop_parts": loop_parts,
                "skipped": skipped,
                "steps": steps,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.explained_loop_parts import ExplainedLoopParts  # noqa: PLC0415
        from ..models.explained_skipped import ExplainedSkipped  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415

        d = dict(src_dict)
        status = d.pop("status")

        def _parse_reason(data: object) -> ExplainedReason | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = ExplainedReason(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExplainedReason | None, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_location(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        location = _parse_location(d.pop("location"))

        def _parse_config_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        config_id = _parse_config_id(d.pop("config_id"))

        def _parse_revision(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        revision = _parse_revision(d.pop("revision"))

        def _parse_host_pattern(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        host_pattern = _parse_host_pattern(d.pop("host_pattern"))

        def _parse_ticket(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        ticket = _parse_ticket(d.pop("ticket"))

        def _parse_target(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        target = _parse_target(d.pop("target"))

        loop_parts = ExplainedLoopParts.from_dict(d.pop("loop_parts"))

        skipped = ExplainedSkipped.from_dict(d.pop("skipped"))

        steps = []
        _steps = d.pop("steps")
        for steps_item_data in _steps:
            steps_item = Finding.from_dict(steps_item_data)

            steps.append(steps_item)

        explained = cls(
            status=status,
            reason=reason,
            location=location,
            config_id=config_id,
            revision=revision,
            host_pattern=host_pattern,
            ticket=ticket,
            target=target,
            loop_parts=loop_parts,
            skipped=skipped,
            steps=steps,
        )

        explained.additional_properties = d
        return explained

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
