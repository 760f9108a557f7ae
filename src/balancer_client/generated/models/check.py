from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Check")


@_attrs_define
class Check:
    """How a target's health is checked."""

    url: str | Unset = "/"
    """ A path on the target's own host, such as `/health`, or an absolute `http` or `https` URL. """
    method: str | Unset = "GET"
    """ `GET` or `HEAD`. """
    statuses: list[int] | Unset = UNSET
    """ Status codes that count as success, 1 to 20 of them. """
    contains: None | str | Unset = UNSET
    """ Text that the body must contain, at most 200 characters; needs `GET`. Null accepts any body. """
    interval: float | Unset = 5.0
    """ Seconds between probes, from 0.5 to 3600. """
    timeout: float | Unset = 2.0
    """ Seconds that a probe may take, at most the interval. """
    rise: int | Unset = 2
    """ Consecutive successes after which an unhealthy target is healthy, from 1 to 100. """
    fall: int | Unset = 3
    """ Consecutive failures after which a healthy target is unhealthy, from 1 to 100. """
    verify_tls: bool | Unset = True
    """ Whether the certificate must be valid. """
    expiry_warning: int | Unset = 14
    """ Days before the certificate expires at which to start warning, at most 365; 0 for no warning. """
    host: None | str | Unset = UNSET
    """ Value of the `Host` header; null for the host of the URL. """

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        method = self.method

        statuses: list[int] | Unset = UNSET
        if not isinstance(self.statuses, Unset):
            statuses = self.statuses

        contains: None | str | Unset
        if isinstance(self.contains, Unset):
            contains = UNSET
        else:
            contains = self.contains

        interval = self.interval

        timeout = self.timeout

        rise = self.rise

        fall = self.fall

        verify_tls = self.verify_tls

        expiry_warning = self.expiry_warning

        host: None | str | Unset
        if isinstance(self.host, Unset):
            host = UNSET
        else:
            host = self.host

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if method is not UNSET:
            field_dict["method"] = method
        if statuses is not UNSET:
            field_dict["statuses"] = statuses
        if contains is not UNSET:
            field_dict["contains"] = contains
        if interval is not UNSET:
            field_dict["interval"] = interval
        if timeout is not UNSET:
            field_dict["timeout"] = timeout
        if rise is not UNSET:
            field_dict["rise"] = rise
        if fall is not UNSET:
            field_dict["fall"] = fall
        if verify_tls is not UNSET:
            field_dict["verify_tls"] = verify_tls
        if expiry_warning is not UNSET:
            field_dict["expiry_warning"] = expiry_warning
        if host is not UNSET:
            field_dict["host"] = host

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url", UNSET)

        method = d.pop("method", UNSET)

        statuses = cast(list[int], d.pop("statuses", UNSET))

        def _parse_contains(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        contains = _parse_contains(d.pop("contains", UNSET))

        interval = d.pop("interval", UNSET)

        timeout = d.pop("timeout", UNSET)

        rise = d.pop("rise", UNSET)

        fall = d.pop("fall", UNSET)

        verify_tls = d.pop("verify_tls", UNSET)

        expiry_warning = d.pop("expiry_warning", UNSET)

        def _parse_host(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        host = _parse_host(d.pop("host", UNSET))

        check = cls(
            url=url,
            method=method,
            statuses=statuses,
            contains=contains,
            interval=interval,
            timeout=timeout,
            rise=rise,
            fall=fall,
            verify_tls=verify_tls,
            expiry_warning=expiry_warning,
            host=host,
        )

        return check
