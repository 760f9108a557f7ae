"""Serves the OpenAPI document, which is rendered once for a process and takes some tenths of a second."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin
from typing_extensions import override

from balancer.api.openapi.description import complete, component_schemas

PATH = "/openapi.json"
"""Where it is, below `/schema`."""


class Document(JsonRenderPlugin):
    """Serves the completed document.

    The framework renders in the event loop, where players would wait for it. So the router asks `give` before that.

    Args:
        shapes: Bodies of requests and answers.
    """

    def __init__(self, shapes: Sequence[type[msgspec.Struct]]) -> None:
        super().__init__(path=PATH)
        self._shapes = shapes
        self._rendered: bytes | None = None
        self._rendering: asyncio.Task[bytes] | None = None

    async def give(self, request: Request[Any, Any, Any]) -> bytes | None:
        """Return the document, rendered in a thread the first time; None for another path."""
        if not request.scope["path"].endswith(PATH):
            return None
        if self._rendered is None:
            if self._rendering is None or self._rendering.done():
                self._rendering = asyncio.create_task(asyncio.to_thread(self._render, request))
            # Whoever leaves does not stop it for the others, nor make the next one begin anew.
            self._rendered = await asyncio.shield(self._rendering)
            self._rendering = None
        return self._rendered

    def _render(self, request: Request[Any, Any, Any]) -> bytes:
        return self.render(request, request.app.openapi_schema.to_schema())

    @override
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self.render_json(request, complete(openapi_schema, component_schemas(self._shapes)))
