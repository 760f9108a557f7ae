"""Endpoints by short declarations: who may ask, what is read, and how it is answered.

The declaration makes the route, its guard and its OpenAPI description. The rest of that comes from the handler: its
name is the operation id, its docstring the summary and the description.
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypedDict

import msgspec
from dishka.integrations.litestar import inject
from litestar import Response, route
from litestar.datastructures import ResponseHeader
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import Method
from typing_extensions import Unpack

from balancer.api.framework.guards import OPEN, needs
from balancer.api.framework.parameters import Input
from balancer.api.framework.problems import MAX_BODY, responses
from balancer.api.openapi.operations import operation
from balancer.core.access.keys import Role
from balancer.core.errors import BalancerError, Forbidden, RateLimited, StoreUnavailable, Unauthenticated

Handler = Callable[..., Coroutine[Any, Any, Any]]

NO_STORE = ResponseHeader(name="cache-control", value="no-store")

HTTP_DETAILS = {400: "Invalid host header.", 431: "The head of the request is longer than 16384 bytes."}
"""What HTTP itself may refuse, by status."""

BODY_DETAILS = {
    400: "The body is not JSON: Input data was truncated.",
    413: f"The body is longer than {MAX_BODY} bytes.",
}
"""The same where a body is read."""

_WORD = re.compile("_([a-z])")


class Declaration(TypedDict, total=False):
    """What an endpoint says of itself, beside its path, its role and its inputs.

    Attributes:
        answer: What it answers when all goes well, in a few words.
        status: The status of that, where it is not the usual one: 201 of POST, 204 of DELETE, 200 of the others.
        headers: The header fields of that; `Cache-Control: no-store` alone when nothing is said.
        body: The shape of the JSON body that it reads.
        example: One such body.
        text: The media type of a body that is no JSON, and one such body.
        errors: Examples of what the domain may refuse, beside what its role and its inputs can lead to.
        details: Details of what HTTP itself may refuse, by status, where they are not the usual ones.
        responses: Answers that are neither, by status.
        route: Further arguments of the route.
    """

    answer: str
    status: int
    headers: Sequence[ResponseHeader]
    body: type[msgspec.Struct]
    example: Mapping[str, object]
    text: tuple[str, str]
    errors: Sequence[BalancerError]
    details: Mapping[int, str]
    responses: Mapping[int, ResponseSpec]
    route: Mapping[str, Any]


class Endpoints:
    """The endpoints of one subject.

    Args:
        tag: The subject, as the OpenAPI description names it.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._by_path: dict[str, list[HTTPRouteHandler]] = {}

    @property
    def routes(self) -> list[HTTPRouteHandler]:
        """All handlers, with one of OPTIONS for each path that has none: it names what can be done there."""
        # That stands first: where a path has none yet, the framework adds one that knows the first handler's methods.
        return [
            handler for path, handlers in self._by_path.items() for handler in [*_options(path, handlers), *handlers]
        ]

    def endpoint(
        self, what: str, role: Role | None, *inputs: Input, **said: Unpack[Declaration]
    ) -> Callable[[Handler], HTTPRouteHandler]:
        """Declare what a handler answers.

        Args:
            what: The method and the path: `GET /config`. GET is HEAD as well.
            role: Who may ask; None for anybody.
            inputs: What it reads of the query and the headers.
            said: All else.
        """
        method, path = what.split()
        methods = [HttpMethod.GET, HttpMethod.HEAD] if method == HttpMethod.GET else [HttpMethod(method)]
        parameters, body = [one.parameter for one in inputs], said.get("body")
        declared = route(
            path,
            http_method=methods,
            status_code=said.get("status"),
            operation_id=_operation_id,
            operation_class=operation(parameters, body, said.get("example"), said.get("text")),
            responses={**_problems(role, inputs, said), **said.get("responses", {})},
            response_headers=said.get("headers", [NO_STORE]),
            response_description=said.get("answer"),
            tags=[self._tag],
            **(OPEN if role is None else needs(role)),
            **said.get("route", {}),
        )

        def declare(handler: Handler) -> HTTPRouteHandler:
            made = declared(inject(handler))
            self._by_path.setdefault(path, []).append(made)
            return made

        return declare


def _operation_id(handler: HTTPRouteHandler, method: Method, _path: object) -> str:
    """Return `readConfig` for the function `read_config`, and `readConfigHead` for its HEAD."""
    name = _WORD.sub(lambda found: found[1].upper(), handler.handler_name)
    return f"{name}Head" if method == "HEAD" else name


def _problems(role: Role | None, inputs: Sequence[Input], said: Declaration) -> dict[int, ResponseSpec]:
    errors = [*said.get("errors", ()), *(error for one in inputs for error in one.errors)]
    details: dict[int, str] = {}
    if role is not None:
        errors = [
            Unauthenticated("This needs a header 'Authorization: Bearer <key>'.", tried=False),
            Forbidden(role.label, None),
            RateLimited("admin", 50, 1, 100, 0.02),
            # Where the keys are.
            StoreUnavailable("database"),
            *errors,
        ]
        details |= HTTP_DETAILS
    if "body" in said:
        details |= BODY_DETAILS
    return responses(errors, {**details, **said.get("details", {})})


def _options(path: str, handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    methods = {method for handler in handlers for method in handler.http_methods}
    if HttpMethod.OPTIONS in methods:
        return []
    allowed = ", ".join(sorted({*methods, HttpMethod.OPTIONS}))
    is_open = any(handler.opt["needs"] is None for handler in handlers)

    @route(
        path,
        http_method=[HttpMethod.OPTIONS],
        status_code=HTTP_204_NO_CONTENT,
        include_in_schema=False,
        **(OPEN if is_open else needs(Role.VIEWER)),
    )
    async def name_methods() -> Response[None]:
        return Response(None, headers={"allow": allowed})

    return [name_methods]
