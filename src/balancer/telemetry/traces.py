"""Traces by OpenTelemetry: an extra of the installation, and off unless its own variables (`OTEL_…`) turn it on.

What reaches the exporter is what the log may say: routes and not paths, no query, no header. Statements come without
their values.
"""

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import monotonic, time_ns
from typing import Any

from balancer.core.routing.decisions import Decision

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""One of these says where traces go, and so turns them on."""

EXTRA = "video-balancer[tracing]"

PATIENCE = 2.0
"""Seconds that the end of a process waits for a collector to take the last spans."""


class TracingNotInstalled(Exception):
    """Traces are turned on, and the libraries for them are not there."""

    def __init__(self) -> None:
        super().__init__(f"Traces are turned on by OTEL_…; they need the extra: pip install '{EXTRA}'.")


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the variables of OpenTelemetry turn traces on.

    Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(environment.get(name) for name in ENDPOINTS)


class Tracing:
    """Makes spans and sends them by OTLP.

    Args:
        version: Of the program.
        exporter: Where spans go instead of by OTLP, for tests.

    Raises:
        TracingNotInstalled: When the extra is not installed.
    """

    def __init__(self, version: str, exporter: Any = None) -> None:
        try:
            # An extra: only those who want traces have it.
            from opentelemetry import context, propagate, trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.instrumentation.redis import RedisInstrumentor
            from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
            from opentelemetry.instrumentation.utils import suppress_instrumentation
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        except ImportError as error:
            raise TracingNotInstalled from error
        ours = Resource.create({"service.name": "video-balancer", "service.version": version})
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before that.
        resource = ours.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            SimpleSpanProcessor(exporter) if exporter else BatchSpanProcessor(OTLPSpanExporter())
        )
        self._tracer = self._provider.get_tracer("balancer", version)
        self._server = trace.SpanKind.SERVER
        self._failed = trace.StatusCode.ERROR
        self._extract = propagate.extract
        self._nothing = context.Context
        self._quiet = suppress_instrumentation
        self._sql, self._redis = SQLAlchemyInstrumentor(), RedisInstrumentor()

    def watch_database(self, engine: Any) -> None:
        """Make a span of each statement of an SQLAlchemy engine, an asynchronous one."""
        # The versions that the library names are behind those that it works with; a test holds it to ours.
        self._sql.instrument(engine=engine.sync_engine, tracer_provider=self._provider, skip_dep_check=True)

    def watch_redis(self, redis: Any) -> None:
        """Make a span of each command of a client of redis-py."""
        self._redis.instrument_client(redis, tracer_provider=self._provider)

    def quiet(self) -> AbstractContextManager[None]:
        """Make no spans of stores in the block, nor in tasks that begin there."""
        return self._quiet()

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Generator[Any, None, None]:
        """Make a span of a request, within the trace that it belongs to (W3C Trace Context)."""
        parent = self._extract(headers)
        with self._tracer.start_as_current_span(
            method, parent, self._server, {"http.request.method": method}, record_exception=False
        ) as span:
            yield span

    def answered(self, span: Any, route: str, status: int) -> None:
        """Say how a request was answered; names by the semantic conventions for HTTP."""
        span.set_attributes({"http.route": route, "http.response.status_code": status})
        span.update_name(f"{span.name} {route}".strip())
        if status >= 500:  # noqa: PLR2004 - RFC 9110 §15.6
            span.set_status(self._failed)

    def redirect(self, decision: Decision, begun: float) -> None:
        """Make a span of a redirect that began at `begun` by the monotonic clock and is over now."""
        end = time_ns()
        start = end - int((monotonic() - begun) * 1e9)
        attributes: dict[str, str | int] = {
            "http.request.method": "GET",
            "http.route": "/",
            "http.response.status_code": 301,
            "balancer.config": decision.config.id,
            "balancer.revision": decision.config.revision,
            "balancer.target": decision.target.name,
            "balancer.ticket": decision.ticket,
            "balancer.reason": decision.choice.reason.value,
        }
        self._tracer.start_span("GET /", self._nothing(), self._server, attributes, start_time=start).end(end)

    def close(self) -> None:
        """Send what has not been sent, as far as the collector takes it in time, and watch no database any more."""
        # The library would wait half a minute, and with it everything else that is to be closed.
        last = threading.Thread(target=self._provider.shutdown, daemon=True, name="last-spans")
        last.start()
        last.join(PATIENCE)
        # The library watches for one at a time; the start-up's engine must not keep it from the one that serves.
        if self._sql.is_instrumented_by_opentelemetry:
            self._sql.uninstrument()
