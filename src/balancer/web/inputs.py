"""What clients send, read strictly: a number in quotes is not a number, a field that nobody knows is an error."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException

from balancer.core.errors import InvalidConfig

Body = TypeVar("Body", bound=msgspec.Struct)

_INTEGER = re.compile(r"-?[0-9]{1,100}")

# msgspec tells the place of a fault as "$.field" and the name of a field in backticks.
_PLACE = re.compile(r"^(?P<fault>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"field `(?P<name>.*)`", re.DOTALL)


def read_id(request: Request[Any, Any, Any]) -> int | None:
    """Return the query parameter `id`, None when it is not given.

    Raises:
        InvalidConfig: When it is not an integer, or given more than once.
    """
    values = request.query_params.getall("id", [])
    if not values:
        return None
    if len(values) > 1 or not _INTEGER.fullmatch(values[0]):
        raise InvalidConfig("id", "must be one integer")
    return int(values[0])


async def read_body(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    """Return the JSON body of a request.

    Raises:
        ClientException: 400 when it is not JSON at all.
        InvalidConfig: When it is JSON of another shape; names the field.
    """
    data = await request.body()
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _field_error(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ClientException(f"The body is not JSON: {error}") from None


def _field_error(message: str) -> InvalidConfig:
    place = _PLACE.match(message)
    fault, path = (place["fault"], place["path"]) if place else (message, "")
    if found := _FIELD.search(fault):
        what = "is required" if "missing" in fault else "is not a field of this"
        return InvalidConfig(f"{path}.{found['name']}" if path else found["name"], what)
    return InvalidConfig(path or "body", "must be " + fault.replace("Expected ", "").replace(", got ", ", not "))
