from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.live import Live
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    events: int | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["events"] = events

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/live",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Live | Problem | None:
    if response.status_code == 200:
        response_200 = Live.from_dict(response.text)

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 431:
        response_431 = Problem.from_dict(response.json())

        return response_431

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Live | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    events: int | Unset = UNSET,
) -> Response[Live | Problem]:
    """Follow how things are

     Sends an event about once a second, as a stream of server-sent events: what was served, by whom, and
    how the targets
    are. It ends when the credentials count no more, with an event `end`, and when the service stops.

    Args:
        events (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Live | Problem]
    """

    kwargs = _get_kwargs(
        events=events,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    events: int | Unset = UNSET,
) -> Live | Problem | None:
    """Follow how things are

     Sends an event about once a second, as a stream of server-sent events: what was served, by whom, and
    how the targets
    are. It ends when the credentials count no more, with an event `end`, and when the service stops.

    Args:
        events (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Live | Problem
    """

    return sync_detailed(
        client=client,
        events=events,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    events: int | Unset = UNSET,
) -> Response[Live | Problem]:
    """Follow how things are

     Sends an event about once a second, as a stream of server-sent events: what was served, by whom, and
    how the targets
    are. It ends when the credentials count no more, with an event `end`, and when the service stops.

    Args:
        events (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Live | Problem]
    """

    kwargs = _get_kwargs(
        events=events,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    events: int | Unset = UNSET,
) -> Live | Problem | None:
    """Follow how things are

     Sends an event about once a second, as a stream of server-sent events: what was served, by whom, and
    how the targets
    are. It ends when the credentials count no more, with an event `end`, and when the service stops.

    Args:
        events (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Live | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            events=events,
        )
    ).parsed
