"""What traces show."""

import threading
from collections.abc import Sequence

import pytest
from dishka import Provider, Scope
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from balancer.app import create_app
from balancer.cli.greeting import make_first_key
from balancer.cli.program import run
from balancer.cli.serve import _prepared_server
from balancer.settings import Settings
from balancer.telemetry import traces
from balancer.telemetry.traces import Tracing, TracingNotInstalled, is_wanted
from balancer.wiring import make_container
from tests.factories import KEY
from tests.unit.apps import test_client

VIDEO = "video=http://s1.origin-cluster/a.ts%3Ftoken=PLANTED"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept(SpanExporter):
    """Keeps spans in a list."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


class Stuck(Kept):
    """Does not take leave until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.is_closed = threading.Event()

    @override
    def shutdown(self) -> None:
        self.let_go.wait(10)
        self.is_closed.set()


def test_a_stuck_collector_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last spans are not taken in time the end of the process goes on without them."""
    monkeypatch.setattr(traces, "PATIENCE", 0.01)
    exporter = Stuck()
    Tracing("1", exporter).close()
    assert not exporter.is_closed.is_set()
    exporter.let_go.set()
    assert exporter.is_closed.wait(10)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_off_unless_configured(environment: dict[str, str], wanted: bool) -> None:
    """Traces are made where the variables of OpenTelemetry say where to send them, and only there."""
    assert wanted == is_wanted(environment)


@pytest.fixture
def exporter() -> Kept:
    """Return where spans go."""
    return Kept()


def test_requests_have_spans_with_their_statements(exporter: Kept, tmp_path: object) -> None:
    """An admin's request is a span within the caller's trace, with spans of its statements; values are in none."""
    fakes = Provider(scope=Scope.APP)
    tracing = Tracing("1", exporter)
    fakes.provide(lambda: tracing, provides=Tracing | None)
    given = {"_env_file": None, "data_dir": tmp_path, "traced_redirects": 1.0, "bootstrap_api_key": KEY}
    settings = Settings(**given)  # type: ignore[arg-type]  # pydantic-settings takes the file beside the settings
    container = make_container(settings, fakes)
    app = create_app(settings, container)
    # The database as `balancer serve` makes it.
    run(settings, _prepared_server)
    run(settings, make_first_key)
    with test_client(app) as client:
        client.get("/config?id=1&secret=PLANTED", headers={"traceparent": PARENT})
        client.get(f"/?{VIDEO}", follow_redirects=False)
        client.get("/metrics")
    tracing.close()
    by_name = {span.name: span for span in exporter.spans}
    request, redirect = by_name["GET /config"], by_name["GET /"]
    assert request.context
    assert request.attributes
    assert redirect.attributes
    assert f"{request.context.trace_id:032x}" in PARENT
    assert (200, "/config") == (request.attributes["http.response.status_code"], request.attributes["http.route"])
    assert ("cdn", 301) == (redirect.attributes["balancer.target"], redirect.attributes["http.response.status_code"])
    statements = [span for span in exporter.spans if span.parent and span.parent.span_id == request.context.span_id]
    assert any("SELECT" in str(span.attributes) for span in statements)
    assert "GET /metrics" not in by_name
    assert "PLANTED" not in str([(span.name, dict(span.attributes or {})) for span in exporter.spans])


def test_the_operator_names_the_service(exporter: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name and the attributes that the variables give go before our own."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=edge-7,deployment.environment=test")
    tracing = Tracing("1", exporter)
    with tracing.request("GET", {}):
        pass
    tracing.close()
    found = exporter.spans[0].resource.attributes
    assert ("edge-7", "test", "1") == tuple(
        found[name] for name in ("service.name", "deployment.environment", "service.version")
    )


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the libraries are not there, the error says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracingNotInstalled, match=r"video-balancer\[tracing\]"):
        Tracing("1")
    assert "tracing" in traces.EXTRA
