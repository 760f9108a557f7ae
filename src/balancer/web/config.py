"""The path that admins ask: `/config`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.status_codes import HTTP_204_NO_CONTENT

from balancer.core.changes import ConfigChanges
from balancer.core.configs import MAX_DISTRIBUTION_RATE, CdnConfig, ConfigChange
from balancer.core.errors import ConfigNotFound, InvalidConfig, StoreUnavailable
from balancer.core.hosts import ToAscii, parse_cdn_host
from balancer.core.ports import CdnConfigs
from balancer.web.documents import by_method, schema_of
from balancer.web.inputs import read_body, read_id
from balancer.web.problems import MAX_BODY, responses

NO_STORE = {"cache-control": "no-store"}


class Config(msgspec.Struct):
    """A config as clients see it; times are RFC 3339 in UTC, `updated_at` is null until the first change."""

    id: int
    cdn_host: str
    distribution_rate: int
    created_at: datetime
    updated_at: datetime | None

    @classmethod
    def of(cls, config: CdnConfig) -> "Config":
        """Return what clients see of a config."""
        return cls(config.id, config.cdn_host, config.distribution_rate, config.created_at, config.updated_at)


class ConfigPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; fields that are not given stay as they are."""

    id: int
    cdn_host: str | msgspec.UnsetType = msgspec.UNSET
    distribution_rate: (
        Annotated[
            int,
            msgspec.Meta(ge=0, le=MAX_DISTRIBUTION_RATE, description="N: every N-th request goes to the origin."),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET

    def change(self, to_ascii: ToAscii) -> ConfigChange:
        """Return the change that this asks for.

        Raises:
            InvalidConfig: When a value cannot be had.
        """
        return ConfigChange(
            cdn_host=None if self.cdn_host is msgspec.UNSET else parse_cdn_host(self.cdn_host, to_ascii),
            distribution_rate=None if self.distribution_rate is msgspec.UNSET else self.distribution_rate,
        )


@dataclass
class ReadOperation(Operation):
    """Describes the query parameter, which is read more strictly than the framework would."""

    def __post_init__(self) -> None:
        """Add the parameter."""
        self.parameters = [
            Parameter(
                name="id",
                param_in="query",
                description="Which one; without it the default one, which the redirect uses.",
                schema=Schema(type=OpenAPIType.INTEGER),
            )
        ]


@dataclass
class PatchOperation(Operation):
    """Describes the body, which is read more strictly than the framework would."""

    def __post_init__(self) -> None:
        """Add the body."""
        example = Example(summary="Every 20th request to the origin", value={"id": 1, "distribution_rate": 20})
        media = OpenAPIMediaType(schema=schema_of(ConfigPatch), examples={"rate": example})
        self.request_body = RequestBody(content={"application/json": media}, required=True)


@route(
    "/config",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("readConfig"),
    operation_class=ReadOperation,
    responses=responses(
        ConfigNotFound(7),
        StoreUnavailable("database"),
        InvalidConfig("id", "must be one integer"),
        status_400="Invalid host header.",
    ),
    response_headers=NO_STORE,
    tags=["config"],
)
@inject
async def read_config(request: Request[Any, Any, Any], configs: FromDishka[CdnConfigs]) -> Config:
    """Return one config, or the default one."""
    config_id = read_id(request)
    return Config.of(await (configs.default() if config_id is None else configs.get(config_id)))


@route(
    "/config",
    http_method=HttpMethod.PATCH,
    operation_id="changeConfig",
    operation_class=PatchOperation,
    responses=responses(
        InvalidConfig("cdn_host", "has a scheme; give only a host name, and a port if it is not the default"),
        ConfigNotFound(7),
        StoreUnavailable("database"),
        status_400="The body is not JSON: Input data was truncated.",
        status_413=f"The body is longer than {MAX_BODY} bytes.",
    ),
    response_headers=NO_STORE,
    tags=["config"],
)
@inject
async def change_config(
    request: Request[Any, Any, Any], changes: FromDishka[ConfigChanges], to_ascii: FromDishka[ToAscii]
) -> Config:
    """Change the fields that are given, and return the whole config; the next redirect follows it."""
    body = await read_body(request, ConfigPatch)
    return Config.of(await changes.apply(body.id, body.change(to_ascii)))


@route("/config", http_method=[HttpMethod.OPTIONS], status_code=HTTP_204_NO_CONTENT, include_in_schema=False)
async def config_methods() -> Response[None]:
    """Name what can be done here."""
    return Response(None, headers={"allow": "GET, HEAD, OPTIONS, PATCH"})


# The methods stand first: where a path has no OPTIONS yet, the framework adds one that knows only the first handler's.
ROUTES: list[HTTPRouteHandler] = [config_methods, read_config, change_config]
