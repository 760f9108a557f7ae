from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refusal_reason import RefusalReason

if TYPE_CHECKING:
    from ..models.chosen import Chosen


T = TypeVar("T", bound="RequestPreview")


@_attrs_define
class RequestPreview:
    """What one request gets by the present rules and by others."""

    video: str
    """ As it was given. """
    client: str
    """ As it was given. """
    refusal: None | RefusalReason
    """ Why it would be refused; null when it would be redirected. """
    before: Chosen | None
    """ By the present rules; null when it would be refused. """
    after: Chosen | None
    """ By the rules that were given; null when it would be refused. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.chosen import Chosen  # noqa: PLC0415

        video = self.video

        client = self.client

        refusal: None | str
        if isinstance(self.refusal, RefusalReason):
            refusal = self.refusal.value
        else:
            refusal = self.refusal

        before: dict[str, Any] | None
        if isinstance(self.before, Chosen):
            before = self.before.to_dict()
        else:
            before = self.before

        after: dict[str, Any] | None
        if isinstance(self.after, Chosen):
            after = self.after.to_dict()
        else:
            after = self.after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "video": video,
                "client": client,
                "refusal": refusal,
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.chosen import Chosen  # noqa: PLC0415

        d = dict(src_dict)
        video = d.pop("video")

        client = d.pop("client")

        def _parse_refusal(data: object) -> None | RefusalReason:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                refusal_type_0 = RefusalReason(data)

                return refusal_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RefusalReason, data)

        refusal = _parse_refusal(d.pop("refusal"))

        def _parse_before(data: object) -> Chosen | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                before_type_0 = Chosen.from_dict(data)

                return before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Chosen | None, data)

        before = _parse_before(d.pop("before"))

        def _parse_after(data: object) -> Chosen | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                after_type_0 = Chosen.from_dict(data)

                return after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Chosen | None, data)

        after = _parse_after(d.pop("after"))

        request_preview = cls(
            video=video,
            client=client,
            refusal=refusal,
            before=before,
            after=after,
        )

        request_preview.additional_properties = d
        return request_preview

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
