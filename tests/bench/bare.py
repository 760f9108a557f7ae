"""A peer: what uvicorn costs when the application does nothing but answer."""

from typing import Any

START = {
    "type": "http.response.start",
    "status": 301,
    "headers": [
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", b"*"),
        (b"content-length", b"0"),
        (b"location", b"http://cdn.example.com/s1/video/1/xcg2djHckad.m3u8"),
    ],
}


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer every request by the same redirect."""
    if scope["type"] == "http":
        await send(START)
        await send({"type": "http.response.body", "body": b""})
