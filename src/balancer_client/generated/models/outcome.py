from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.document import Document
    from ..models.target_share import TargetShare
    from ..models.video_route import VideoRoute


T = TypeVar("T", bound="Outcome")


@_attrs_define
class Outcome:
    """What players get with a config while all its targets are healthy."""

    config: Document
    """ What admins decide in a config. """
    shares: list[TargetShare]
    """ What each target gets. """
    videos: list[VideoRoute]
    """ Where each video that was asked about goes. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        config = self.config.to_dict()

        shares = []
        for shares_item_data in self.shares:
            shares_item = shares_item_data.to_dict()
            shares.append(shares_item)

        videos = []
        for videos_item_data in self.videos:
            videos_item = videos_item_data.to_dict()
            videos.append(videos_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "config": config,
                "shares": shares,
                "videos": videos,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.document import Document  # noqa: PLC0415
        from ..models.target_share import TargetShare  # noqa: PLC0415
        from ..models.video_route import VideoRoute  # noqa: PLC0415

        d = dict(src_dict)
        config = Document.from_dict(d.pop("config"))

        shares = []
        _shares = d.pop("shares")
        for shares_item_data in _shares:
            shares_item = TargetShare.from_dict(shares_item_data)

            shares.append(shares_item)

        videos = []
        _videos = d.pop("videos")
        for videos_item_data in _videos:
            videos_item = VideoRoute.from_dict(videos_item_data)

            videos.append(videos_item)

        outcome = cls(
            config=config,
            shares=shares,
            videos=videos,
        )

        outcome.additional_properties = d
        return outcome

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
