from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.sample_request_headers import SampleRequestHeaders


T = TypeVar("T", bound="SampleRequest")


@_attrs_define
class SampleRequest:
    """A request to look at."""

    video: str
    """ The video's URL at its origin. """
    query: str | Unset = ""
    """ The parameters beside `video`, as they would be sent: `region=eu`. """
    client: str | Unset = ""
    """ The client's address; without one it is in no network and no country. """
    headers: SampleRequestHeaders | Unset = UNSET
    """ Its header fields. """

    def to_dict(self) -> dict[str, Any]:
        video = self.video

        query = self.query

        client = self.client

        headers: dict[str, Any] | Unset = UNSET
        if not isinstance(self.headers, Unset):
            headers = self.headers.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "video": video,
            }
        )
        if query is not UNSET:
            field_dict["query"] = query
        if client is not UNSET:
            field_dict["client"] = client
        if headers is not UNSET:
            field_dict["headers"] = headers

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sample_request_headers import SampleRequestHeaders  # noqa: PLC0415

        d = dict(src_dict)
        video = d.pop("video")

        query = d.pop("query", UNSET)

        client = d.pop("client", UNSET)

        _headers = d.pop("headers", UNSET)
        headers: SampleRequestHeaders | Unset
        if isinstance(_headers, Unset):
            headers = UNSET
        else:
            headers = SampleRequestHeaders.from_dict(_headers)

        sample_request = cls(
            video=video,
            query=query,
            client=client,
            headers=headers,
        )

        return sample_request
