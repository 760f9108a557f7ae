from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.rule_item import RuleItem
    from ..models.sample_request import SampleRequest


T = TypeVar("T", bound="RulesPreviewRequest")


@_attrs_define
class RulesPreviewRequest:
    """Rules to look at, and the requests to show them with."""

    rules: list[RuleItem] | None | Unset = UNSET
    """ As for `PUT /rules`; without them the present ones. """
    requests: list[SampleRequest] | Unset = UNSET
    """ At most 100. """

    def to_dict(self) -> dict[str, Any]:
        rules: list[dict[str, Any]] | None | Unset
        if isinstance(self.rules, Unset):
            rules = UNSET
        elif isinstance(self.rules, list):
            rules = []
            for rules_type_0_item_data in self.rules:
                rules_type_0_item = rules_type_0_item_data.to_dict()
                rules.append(rules_type_0_item)

        else:
            rules = self.rules

        requests: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.requests, Unset):
            requests = []
            for requests_item_data in self.requests:
                requests_item = requests_item_data.to_dict()
                requests.append(requests_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if rules is not UNSET:
            field_dict["rules"] = rules
        if requests is not UNSET:
            field_dict["requests"] = requests

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rule_item import RuleItem  # noqa: PLC0415
        from ..models.sample_request import SampleRequest  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_rules(data: object) -> list[RuleItem] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                rules_type_0 = []
                _rules_type_0 = data
                for rules_type_0_item_data in _rules_type_0:
                    rules_type_0_item = RuleItem.from_dict(rules_type_0_item_data)

                    rules_type_0.append(rules_type_0_item)

                return rules_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[RuleItem] | None | Unset, data)

        rules = _parse_rules(d.pop("rules", UNSET))

        _requests = d.pop("requests", UNSET)
        requests: list[SampleRequest] | Unset = UNSET
        if _requests is not UNSET:
            requests = []
            for requests_item_data in _requests:
                requests_item = SampleRequest.from_dict(requests_item_data)

                requests.append(requests_item)

        rules_preview_request = cls(
            rules=rules,
            requests=requests,
        )

        return rules_preview_request
