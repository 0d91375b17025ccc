"""Where the time of pages and jobs goes; the only module that imports OpenTelemetry.

Spans bear names of our own (an endpoint, a job, a call of the store) and no address, query or
person. Polls have none: they are counted.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol

from app.errors import ExtraMissing
from app.scrub import scrub
from app.version import __version__

Facts = Mapping[str, str | int]
Tell = Callable[[Facts], None]
"""Says more of a span."""

_NANOSECONDS: Final = 1_000_000_000


class Traces(Protocol):
    """Takes note of what took time; raises nothing, waits for nobody."""

    def span(self, name: str) -> AbstractContextManager[Tell]:
        """Note how long the block takes; what is noted in it by this thread is a part of it."""
        ...

    def note_part(self, name: str, seconds: float) -> None:
        """Note something that took so long until now, where it is part of something."""
        ...

    def note(self, name: str, seconds: float, facts: Facts) -> None:
        """Note something that took so long until now."""
        ...


class NoTraces:
    """Nobody wants to know."""

    def span(self, name: str) -> AbstractContextManager[Tell]:
        """Let the block run."""
        del name
        return nullcontext(_say_nothing)

    def note_part(self, name: str, seconds: float) -> None:
        """Do nothing."""

    def note(self, name: str, seconds: float, facts: Facts) -> None:
        """Do nothing."""


def _say_nothing(facts: Facts) -> None:
    del facts


def open_traces(endpoint: str | None) -> Traces:
    """Answer what sends spans to this collector, by OTLP over HTTP; None: nobody wants them.

    Headers, sampling and the like come from the usual variables, `OTEL_…`.

    Raises:
        ExtraMissing: OpenTelemetry is not installed.
    """
    if endpoint is None:
        return NoTraces()
    try:
        from opentelemetry import trace  # noqa: PLC0415 (only who asks for it has it)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing("CADANS_OTLP_ENDPOINT", "traces") from error
    name = {"service.name": "cadans", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(name))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return _Sent(provider.get_tracer("cadans", __version__), trace)


class _Sent:
    """Spans on their way to a collector."""

    def __init__(self, tracer: Any, trace: Any) -> None:  # noqa: ANN401 (typed where it is installed)
        self._tracer = tracer
        self._trace = trace

    @contextmanager
    def span(self, name: str) -> Iterator[Tell]:
        """Note how long the block takes."""
        with self._tracer.start_as_current_span(
            name,
            kind=self._trace.SpanKind.SERVER,
            # An error would be written into it with all it says.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield lambda facts: span.set_attributes(_clean(facts))

    def note_part(self, name: str, seconds: float) -> None:
        """Note a part of the span that this thread is in."""
        if self._trace.get_current_span().is_recording():
            self.note(name, seconds, {})

    def note(self, name: str, seconds: float, facts: Facts) -> None:
        """Note something that is over."""
        now = time.time_ns()
        begun = now - int(seconds * _NANOSECONDS)
        self._tracer.start_span(name, start_time=begun, attributes=_clean(facts)).end(now)


def _clean(facts: Facts) -> dict[str, str | int]:
    return {
        name: scrub(value) if isinstance(value, str) else value for name, value in facts.items()
    }
