from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.explained import Explained
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    video: str | Unset = UNSET,
    x_explain_client: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_explain_client, Unset):
        headers["X-Explain-Client"] = x_explain_client

    params: dict[str, Any] = {}

    params["video"] = video

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/explain",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Explained | Problem | None:
    if response.status_code == 200:
        response_200 = Explained.from_dict(response.json())

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Explained | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    video: str | Unset = UNSET,
    x_explain_client: str | Unset = UNSET,
) -> Response[Explained | Problem]:
    """Explain what a player would be answered

     Shows what this process would answer next to `GET /` with the same query, and step by step why. The
    same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its
    address in
    `X-Explain-Client`; the other headers of this request count as the player's.

    Args:
        video (str | Unset):
        x_explain_client (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Explained | Problem]
    """

    kwargs = _get_kwargs(
        video=video,
        x_explain_client=x_explain_client,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    video: str | Unset = UNSET,
    x_explain_client: str | Unset = UNSET,
) -> Explained | Problem | None:
    """Explain what a player would be answered

     Shows what this process would answer next to `GET /` with the same query, and step by step why. The
    same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its
    address in
    `X-Explain-Client`; the other headers of this request count as the player's.

    Args:
        video (str | Unset):
        x_explain_client (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Explained | Problem
    """

    return sync_detailed(
        client=client,
        video=video,
        x_explain_client=x_explain_client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    video: str | Unset = UNSET,
    x_explain_client: str | Unset = UNSET,
) -> Response[Explained | Problem]:
    """Explain what a player would be answered

     Shows what this process would answer next to `GET /` with the same query, and step by step why. The
    same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its
    address in
    `X-Explain-Client`; the other headers of this request count as the player's.

    Args:
        video (str | Unset):
        x_explain_client (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Explained | Problem]
    """

    kwargs = _get_kwargs(
        video=video,
        x_explain_client=x_explain_client,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    video: str | Unset = UNSET,
    x_explain_client: str | Unset = UNSET,
) -> Explained | Problem | None:
    """Explain what a player would be answered

     Shows what this process would answer next to `GET /` with the same query, and step by step why. The
    same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its
    address in
    `X-Explain-Client`; the other headers of this request count as the player's.

    Args:
        video (str | Unset):
        x_explain_client (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Explained | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            video=video,
            x_explain_client=x_explain_client,
        )
    ).parsed
