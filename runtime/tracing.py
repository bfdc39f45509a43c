"""Traces: spans of what this process does, sent to the collector that `DURADESK_OTLP_ENDPOINT` names.

Without an endpoint nothing of OpenTelemetry is imported and a span costs a function call. Where a trace goes
on in another process, its context travels in an origin (`runtime.origin`). The sampler, headers and limits are set by
OpenTelemetry's own variables (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` and so on).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Literal

from runtime.settings import Settings
from runtime.version import desk_version

Kind = Literal["server", "client", "internal"]

_PATH: Final = "/v1/traces"
_exporting: "_Exporting | None" = None
_NOTHING: Final = nullcontext()


def start_tracing(settings: Settings, part: str) -> Callable[[], None]:
    """Begins to send spans, if an endpoint is set; `part` names this process. Returns how to end it, which
    sends what is left."""
    global _exporting  # noqa: PLW0603  a process has one tracer, as it has one log
    if not settings.otlp_endpoint:
        return lambda: None
    exporting = _exporting = _Exporting(settings.otlp_endpoint, part)

    def stop() -> None:
        global _exporting  # noqa: PLW0603
        _exporting = None
        exporting.provider.shutdown()

    return stop


def span(
    name: str, kind: Kind = "internal", *, parent: Mapping[str, str] | None = None, **attributes: str | int
) -> AbstractContextManager[Any]:
    """A span around a block. Gives OpenTelemetry's span, or None while nothing is traced.

    `parent` holds a `traceparent` from elsewhere; without one the span goes on with the current trace.
    """
    if _exporting is None:
        return _NOTHING
    return _exporting.span(name, kind, parent, attributes)


def attach(carrier: Mapping[str, str]) -> None:
    """Makes the trace of `carrier` the current one until the task ends."""
    if _exporting is not None:
        _exporting.attach(carrier)


def mark(name: str, kind: Kind, at_ns: int, **attributes: str) -> None:
    """A span without length at `at_ns`, which then is the current one until the task ends. For workflows: a
    span that stays open for weeks, or is opened again by each replay, would help nobody."""
    if _exporting is not None:
        _exporting.mark(name, kind, at_ns, attributes)


def inject(carrier: dict[str, str]) -> None:
    """Writes the current trace into `carrier`, as W3C trace context."""
    if _exporting is not None:
        _exporting.propagator.inject(carrier)


def trace_id() -> str | None:
    """Of the current trace, for log lines."""
    return None if _exporting is None else _exporting.trace_id()


class _Exporting:
    """All that knows OpenTelemetry. Imported when it is wanted, as it costs 0.2 s and 15 MB."""

    def __init__(self, endpoint: str, part: str) -> None:
        from opentelemetry import context, trace  # noqa: PLC0415  only for those who trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        names = {"service.name": f"duradesk-{part}", "service.version": desk_version()}
        self.provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.propagator = TraceContextTextMapPropagator()
        self._tracer = self.provider.get_tracer("duradesk")
        self._context, self._trace = context, trace
        self._kinds = {
            "server": trace.SpanKind.SERVER,
            "client": trace.SpanKind.CLIENT,
            "internal": trace.SpanKind.INTERNAL,
        }
        context.get_current()  # loads the implementation here, not first inside a workflow's sandbox

    @contextmanager
    def span(
        self, name: str, kind: Kind, parent: Mapping[str, str] | None, attributes: Mapping[str, str | int]
    ) -> Iterator[Any]:
        with self._tracer.start_as_current_span(
            name,
            context=None if parent is None else self.propagator.extract(parent),
            kind=self._kinds[kind],
            attributes=attributes,
            # An error's text may hold data of people, and traces are kept elsewhere.
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            try:
                yield opened
            except Exception as error:
                opened.set_status(self._trace.StatusCode.ERROR, type(error).__name__)
                raise

    def attach(self, carrier: Mapping[str, str]) -> None:
        self._context.attach(self.propagator.extract(carrier))

    def mark(self, name: str, kind: Kind, at_ns: int, attributes: Mapping[str, str]) -> None:
        marked = self._tracer.start_span(
            name, kind=self._kinds[kind], attributes=attributes, start_time=at_ns
        )
        marked.end(end_time=at_ns)
        self._context.attach(self._trace.set_span_in_context(marked))

    def trace_id(self) -> str | None:
        found = self._trace.get_current_span().get_span_context()
        return f"{found.trace_id:032x}" if found.is_valid else None
