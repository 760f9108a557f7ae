"""Traces as a collector receives them from a real process."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override

from tests.factories import BEARER, KEY, VIDEO
from tests.processes import Balancer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """A collector of OTLP over HTTP on a loopback port.

    Attributes:
        spans: What it has been sent.
        services: The names of the services that sent it.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Collect for as long as the block lasts."""
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                collector.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def take(self, body: bytes) -> None:
        """Take what was sent."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(attributes["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans


def test_a_change_is_traced_to_the_stores(tmp_path: Path, shared: dict[str, object]) -> None:
    """A collector receives an admin's request with its statements and its Redis commands, in the caller's trace."""
    collector = Collector()
    with collector.running():
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with Balancer(tmp_path, environment, TRACED_REDIRECTS=1, **shared) as balancer:
            change = {"id": 1, "distribution_rate": 3}
            headers = {**BEARER, "traceparent": PARENT}
            httpx.patch(f"{balancer.url}/config", json=change, headers=headers).raise_for_status()
            assert 301 == httpx.get(f"{balancer.url}/?video={VIDEO}").status_code
        # What was not sent yet is sent when the process ends.
    (request,) = [span for span in collector.spans if span.name == "PATCH /config"]
    assert request.trace_id.hex() in PARENT
    inside = [span for span in collector.spans if span.trace_id == request.trace_id and span != request]
    said = [str(span.attributes) for span in inside]
    assert {request.span_id} == {span.parent_span_id for span in inside}
    assert any("UPDATE cdn_configs" in text for text in said)
    assert any("PUBLISH" in text for text in said)
    assert 1 == sum(span.name == "GET /" for span in collector.spans)
    assert {"video-balancer"} == collector.services
    assert KEY not in "\n".join(map(str, collector.spans))
    lines = [event for event in balancer.events() if event["event"] == "config"]
    assert [(request.trace_id.hex(), request.span_id.hex())] == [(one["trace_id"], one["span_id"]) for one in lines]
