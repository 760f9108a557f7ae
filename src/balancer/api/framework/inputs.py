"""What clients send, read strictly: a number in quotes is not a number, a field that nobody knows is an error."""

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException

from balancer.core.configs.documents import check_text
from balancer.core.configs.revisions import MAX_IDEMPOTENCY_KEY, MAX_REASON, Attempt
from balancer.core.errors import InvalidInput

Body = TypeVar("Body", bound=msgspec.Struct)

AnyRequest = Request[Any, Any, Any]

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
"""Items on a page of a list."""

_TAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
# No part gives back what it has taken, so that a long list is read once, however it ends.
_ANY_TAG = r'(?:W/)?"[!#-~\x80-\xff]*+"'
_TAGS = re.compile(rf"[\s,]*+{_ANY_TAG}(?:\s*+,[\s,]*+{_ANY_TAG})*+[\s,]*+")
_REVISION = re.compile(r"([1-9][0-9]{0,18}|rules)-(0|[1-9][0-9]{0,17})")
_IDEMPOTENCY_KEY = re.compile(rf'"([ !#-\[\]-~]{{1,{MAX_IDEMPOTENCY_KEY}}})"|([!#-\[\]-~]{{1,{MAX_IDEMPOTENCY_KEY}}})')
_INTEGER = re.compile(r"-?[0-9]{1,100}")
_CURSOR = re.compile(r"[0-9]{1,100}")

# msgspec tells the place of a fault as "$.field" at the end, and the name of a field in backticks.
_PLACE = " - at `$"
_FIELD = re.compile(r"field `(?P<name>.*)`", re.DOTALL)


def joined(request: AnyRequest, name: bytes) -> str:
    """Return all values of a header field, joined by commas; empty when there are none."""
    return ", ".join(request.headers.getall(name.decode("latin-1"), []))


def read_integer(request: AnyRequest, name: str, least: int | None = None, most: int | None = None) -> int | None:
    """Return a query parameter, None when it is not given.

    Raises:
        InvalidInput: When it is not an integer of that range, or given more than once.
    """
    values = request.query_params.getall(name, [])
    if not values:
        return None
    if len(values) > 1 or not _INTEGER.fullmatch(values[0]):
        raise InvalidInput(name, "must be one integer")
    number = int(values[0])
    if (least is not None and number < least) or (most is not None and number > most):
        bounds = f"from {least} to {most}" if most is not None else f"{least} or more"
        raise InvalidInput(name, f"must be {bounds}")
    return number


def read_required(request: AnyRequest, name: str) -> int:
    """Return an integer query parameter that must be given.

    Raises:
        InvalidInput: When it is not.
    """
    number = read_integer(request, name)
    if number is None:
        raise InvalidInput(name, "is required")
    return number


def read_limit(request: AnyRequest) -> int:
    """Return how many items a page may have.

    Raises:
        InvalidInput: When the parameter `limit` is out of range.
    """
    return read_integer(request, "limit", 1, MAX_LIMIT) or DEFAULT_LIMIT


def read_cursor(request: AnyRequest) -> int | None:
    """Return where a page begins, None for the first one.

    The id or number in a cursor is nobody's business but ours, so it travels as text both ways.

    Raises:
        InvalidInput: When the parameter `cursor` is not what an answer had in `next`.
    """
    values = request.query_params.getall("cursor", [])
    if not values:
        return None
    if len(values) > 1 or not _CURSOR.fullmatch(values[0]):
        raise InvalidInput("cursor", "must be the 'next' of another page")
    return int(values[0])


def read_reason(request: AnyRequest) -> str | None:
    """Return the query parameter `reason` of a change that has no body.

    Raises:
        InvalidInput: When it is given more than once, or is not one line of text.
    """
    values = request.query_params.getall("reason", [])
    if not values:
        return None
    if len(values) > 1:
        raise InvalidInput("reason", "must be given once")
    return check_text("reason", values[0], MAX_REASON)


def read_expected(request: AnyRequest, subject: int | str) -> Collection[int] | None:
    """Return the revisions that `If-Match` allows, None when it allows any (RFC 9110 §13.1.1).

    Args:
        request: Has the header.
        subject: What an entity tag begins with: the id of a config, or `rules`.

    Raises:
        InvalidInput: When the header is no list of entity tags.
    """
    text = ", ".join(request.headers.getall("if-match", []))
    if not text or text.strip() == "*":
        return None
    if not _TAGS.fullmatch(text):
        raise InvalidInput("If-Match", 'must be an entity tag such as "1-7", or *')
    # A weak tag matches nothing here.
    tags = {tag for weak, tag in _TAG.findall(text) if not weak}
    found = filter(None, map(_REVISION.fullmatch, tags))
    return {int(match[2]) for match in found if match[1] == str(subject)}


async def read_attempt(request: AnyRequest) -> Attempt | None:
    """Return by what a request can be told from others, None when it has no `Idempotency-Key`.

    The header is a string of structured fields, `"8e03978e"` (draft-ietf-httpapi-idempotency-key-header-07 §2.1); one
    without the quotes is taken as well.

    Raises:
        InvalidInput: When the header is anything else.
    """
    values = request.headers.getall("idempotency-key", [])
    if not values:
        return None
    found = _IDEMPOTENCY_KEY.fullmatch(values[0])
    if len(values) > 1 or found is None:
        raise InvalidInput(
            "Idempotency-Key", f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters, in quotes"
        )
    digest = sha256(f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"] + b"\n")
    digest.update(await request.body())
    return Attempt(found[1] or found[2], digest.hexdigest())


async def read_body(request: AnyRequest, kind: type[Body]) -> Body:
    """Return the JSON body of a request.

    Raises:
        ClientException: 400 when it is not JSON at all.
        InvalidInput: When it is JSON of another shape; names the field.
    """
    data = await request.body()
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _field_error(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ClientException(f"The body is not JSON: {error}") from None


def _field_error(message: str) -> InvalidInput:
    fault, mark, path = message.rpartition(_PLACE)
    fault, path = (fault, path.removeprefix(".").removesuffix("`")) if mark else (message, "")
    if found := _FIELD.search(fault):
        what = "is required" if "missing" in fault else "is not a field of this"
        return InvalidInput(f"{path}.{found['name']}" if path else found["name"], what)
    if fault.startswith("Invalid "):
        return InvalidInput(path or "body", f"is an {fault[0].lower()}{fault[1:]}")
    return InvalidInput(path or "body", "must be " + fault.replace("Expected ", "").replace(", got ", ", not "))
