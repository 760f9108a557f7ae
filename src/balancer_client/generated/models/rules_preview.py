from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.request_preview import RequestPreview
    from ..models.rule_change import RuleChange


T = TypeVar("T", bound="RulesPreview")


@_attrs_define
class RulesPreview:
    """What other rules would change."""

    revision: int
    """ The one that the change would follow. """
    changes: list[RuleChange]
    """ How the rules differ. """
    requests: list[RequestPreview]
    """ What each request gets, in the order in which they were asked about. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        revision = self.revision

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        requests = []
        for requests_item_data in self.requests:
            requests_item = requests_item_data.to_dict()
            requests.append(requests_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "revision": revision,
                "changes": changes,
                "requests": requests,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.request_preview import RequestPreview  # noqa: PLC0415
        from ..models.rule_change import RuleChange  # noqa: PLC0415

        d = dict(src_dict)
        revision = d.pop("revision")

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = RuleChange.from_dict(changes_item_data)

            changes.append(changes_item)

        requests = []
        _requests = d.pop("requests")
        for requests_item_data in _requests:
            requests_item = RequestPreview.from_dict(requests_item_data)

            requests.append(requests_item)

        rules_preview = cls(
            revision=revision,
            changes=changes,
            requests=requests,
        )

        rules_preview.additional_properties = d
        return rules_preview

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
