from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refusal_reason import RefusalReason

if TYPE_CHECKING:
    from ..models.place import Place


T = TypeVar("T", bound="VideoRoute")


@_attrs_define
class VideoRoute:
    """Where one video would go, or why it would be refused."""

    video: str
    """ The URL as it was given. """
    refusal: None | RefusalReason
    """ Why it would be refused; null when it would be redirected. """
    places: list[Place]
    """ Its URL at each target that has a share. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        video = self.video

        refusal: None | str
        if isinstance(self.refusal, RefusalReason):
            refusal = self.refusal.value
        else:
            refusal = self.refusal

        places = []
        for places_item_data in self.places:
            places_item = places_item_data.to_dict()
            places.append(places_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "video": video,
                "refusal": refusal,
                "places": places,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.place import Place  # noqa: PLC0415

        d = dict(src_dict)
        video = d.pop("video")

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

        places = []
        _places = d.pop("places")
        for places_item_data in _places:
            places_item = Place.from_dict(places_item_data)

            places.append(places_item)

        video_route = cls(
            video=video,
            refusal=refusal,
            places=places,
        )

        video_route.additional_properties = d
        return video_route

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
