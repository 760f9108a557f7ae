from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.header_field import HeaderField
    from ..models.parameter import Parameter


T = TypeVar("T", bound="When")


@_attrs_define
class When:
    """What a rule asks of a request: all of this must hold. Of several values in one list one is enough."""

    hosts: list[str] | Unset = UNSET
    """ Hosts of origins, with `*` for exactly one label. One without a port stands for every port. """
    paths: list[str] | Unset = UNSET
    """ Paths of videos: `/live/` with all that is below, `/live` with itself as well, or a glob such as
    `/live/**/*.m3u8`, where `*` stays within a segment and `**` is any number of them. """
    networks: list[str] | Unset = UNSET
    """ Networks of clients, IPv4 and IPv6. """
    countries: list[str] | Unset = UNSET
    """ Countries of clients, as codes of two letters. Needs `BALANCER_GEO_DATABASE`. """
    asns: list[int] | Unset = UNSET
    """ Numbers of the clients' autonomous systems. Needs `BALANCER_GEO_DATABASE`. """
    query: list[Parameter] | Unset = UNSET
    """ Parameters beside `video`; each must be there. """
    headers: list[HeaderField] | Unset = UNSET
    """ Header fields; each must be there. """

    def to_dict(self) -> dict[str, Any]:
        hosts: list[str] | Unset = UNSET
        if not isinstance(self.hosts, Unset):
            hosts = self.hosts

        paths: list[str] | Unset = UNSET
        if not isinstance(self.paths, Unset):
            paths = self.paths

        networks: list[str] | Unset = UNSET
        if not isinstance(self.networks, Unset):
            networks = self.networks

        countries: list[str] | Unset = UNSET
        if not isinstance(self.countries, Unset):
            countries = self.countries

        asns: list[int] | Unset = UNSET
        if not isinstance(self.asns, Unset):
            asns = self.asns

        query: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.query, Unset):
            query = []
            for query_item_data in self.query:
                query_item = query_item_data.to_dict()
                query.append(query_item)

        headers: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.headers, Unset):
            headers = []
            for headers_item_data in self.headers:
                headers_item = headers_item_data.to_dict()
                headers.append(headers_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if hosts is not UNSET:
            field_dict["hosts"] = hosts
        if paths is not UNSET:
            field_dict["paths"] = paths
        if networks is not UNSET:
            field_dict["networks"] = networks
        if countries is not UNSET:
            field_dict["countries"] = countries
        if asns is not UNSET:
            field_dict["asns"] = asns
        if query is not UNSET:
            field_dict["query"] = query
        if headers is not UNSET:
            field_dict["headers"] = headers

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.header_field import HeaderField  # noqa: PLC0415
        from ..models.parameter import Parameter  # noqa: PLC0415

        d = dict(src_dict)
        hosts = cast(list[str], d.pop("hosts", UNSET))

        paths = cast(list[str], d.pop("paths", UNSET))

        networks = cast(list[str], d.pop("networks", UNSET))

        countries = cast(list[str], d.pop("countries", UNSET))

        asns = cast(list[int], d.pop("asns", UNSET))

        _query = d.pop("query", UNSET)
        query: list[Parameter] | Unset = UNSET
        if _query is not UNSET:
            query = []
            for query_item_data in _query:
                query_item = Parameter.from_dict(query_item_data)

                query.append(query_item)

        _headers = d.pop("headers", UNSET)
        headers: list[HeaderField] | Unset = UNSET
        if _headers is not UNSET:
            headers = []
            for headers_item_data in _headers:
                headers_item = HeaderField.from_dict(headers_item_data)

                headers.append(headers_item)

        when = cls(
            hosts=hosts,
            paths=paths,
            networks=networks,
            countries=countries,
            asns=asns,
            query=query,
            headers=headers,
        )

        return when
