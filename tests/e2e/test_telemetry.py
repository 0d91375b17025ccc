"""What goes to Sentry and to OpenTelemetry, read where it arrives: useful, and without secrets."""

import builtins
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.errors import ExtraMissing, SettingsInvalid
from app.faults import open_faults
from app.settings import Settings
from app.traces import NoTraces, open_traces
from app.web.delivery import Delivery
from tests.e2e.test_nothing_is_told import (
    Crowd,
    breaking,
    go_by_app,
    go_everywhere,
    house_settings,
    let_jobs_run,
    make_crowd,
)
from tests.parts.figures import MakeWatched
from tests.parts.log import Log
from tests.parts.receivers import PATIENCE_SECONDS, Receiver
from tests.parts.smtp import MailServer

MakeCrowd = Callable[[Mapping[str, str]], Crowd]
ENVELOPES = "/api/7/envelope/"
TRACES = "/v1/traces"


@pytest.fixture
def make(
    environ: dict[str, str], make_watched: MakeWatched, mail_server: MailServer
) -> Iterator[MakeCrowd]:
    made: list[Crowd] = []

    def make_one(more: Mapping[str, str]) -> Crowd:
        house = make_watched({**environ, **house_settings(mail_server), **more})
        made.append(make_crowd(house))
        return made[-1]

    yield make_one
    for crowd in made:
        cast("Delivery", crowd.app.wsgi_app).close()


def dsn(receiver: Receiver) -> str:
    return receiver.url.replace("//", "//publickey@") + "/7"


def reports(receiver: Receiver) -> list[dict[str, Any]]:
    """The events in envelopes (Sentry's developer documentation, "Envelopes")."""
    found = []
    for body in receiver.bodies(ENVELOPES):
        lines = [json.loads(line) for line in body.splitlines() if line]
        found += [line for line in lines if "exception" in line]
    return found


def spans(receiver: Receiver) -> list[Span]:
    found = []
    for body in receiver.bodies(TRACES):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def wait_for_a_job(receiver: Receiver) -> None:
    """Spans come in batches, in the order in which they ended."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not any(span.name.startswith("job ") for span in spans(receiver)):
        assert time.monotonic() < give_up_at, "no job was reported"
        time.sleep(0.05)


@pytest.mark.slow
def test_faults_are_reported_with_kind_and_place_and_nobodys_words(
    make: MakeCrowd, receiver: Receiver, open_log: Callable[..., Log]
) -> None:
    crowd = make({"CADANS_SENTRY_DSN": dsn(receiver)})
    log = open_log(True, open_faults(crowd.house.settings.sentry_dsn))
    rooms = {"public.home", "my.home", "admin.course_list"}
    for endpoint in rooms:
        view = crowd.app.view_functions[endpoint]
        crowd.app.view_functions[endpoint] = breaking(crowd, view)
    go_everywhere(crowd, only=rooms)

    found = reports(receiver)
    kinds = {error["type"] for event in found for error in event["exception"]["values"]}
    assert kinds == {"RuntimeError", "KeyError"}
    one = found[0]
    assert one["release"].startswith("cadans@")
    assert one["tags"]["event"] == "request_failed"
    assert one["tags"]["request"] in {event["request"] for event in log.named("request_failed")}
    frames = [
        frame["function"]
        for error in one["exception"]["values"]
        for frame in error.get("stacktrace", {}).get("frames", [])
    ]
    assert "broken" in frames
    for body in receiver.bodies(ENVELOPES):
        assert crowd.told(body.decode()) == set()


@pytest.mark.slow
def test_traces_say_where_the_time_goes_and_nothing_else(
    make: MakeCrowd, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, json_log: Log
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    crowd = make({"CADANS_OTLP_ENDPOINT": receiver.url})
    crowd.app.view_functions["my.home"] = breaking(crowd, crowd.app.view_functions["my.home"])
    go_by_app(crowd)
    go_everywhere(crowd, only={"public.home", "my.home", "public.course", "admin.course_list"})
    let_jobs_run(crowd)
    crowd.house.close()

    wait_for_a_job(receiver)
    found = {span.name: span for span in spans(receiver)}
    assert {"public.home", "my.home", "admin.course_list", "database"} <= found.keys()
    home = found["my.home"]
    said = {each.key: each.value for each in home.attributes}
    assert said["http.response.status_code"].int_value == 500
    ids = {event["request"] for event in json_log.named("answered")}
    assert said["cadans.request"].string_value in ids
    # What the database took is a part of some page.
    pages = {span.span_id for span in spans(receiver) if "." in span.name}
    assert {span.parent_span_id for span in spans(receiver) if span.name == "database"} <= pages
    # Polls are counted instead.
    assert not [name for name in found if "feed" in name]
    for body in receiver.bodies(TRACES):
        assert crowd.told(body.decode("latin-1")) == set()


def test_without_the_settings_nothing_is_sent(settings: Settings) -> None:
    assert open_faults(settings.sentry_dsn) is None
    assert isinstance(open_traces(settings.otlp_endpoint), NoTraces)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SENTRY_DSN", "https://faults.example.org/1"),
        ("SENTRY_DSN", "key@faults.example.org/1"),
        ("SENTRY_DSN", "https://key@faults.example.org/"),
        ("OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("OTLP_ENDPOINT", "grpc://127.0.0.1:4317"),
        ("OTLP_ENDPOINT", "http://user:pass@127.0.0.1:4318"),
    ],
)
def test_an_address_that_takes_nothing_is_refused(
    environ: dict[str, str], name: str, text: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"CADANS_{name} "):
        Settings.from_env({**environ, f"CADANS_{name}": text})


@pytest.mark.parametrize(
    ("ask", "extra"),
    [
        (lambda: open_faults("https://key@faults.example.org/1"), "sentry"),
        (lambda: open_traces("http://127.0.0.1:4318"), "traces"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], object], extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] in {"sentry_sdk", "opentelemetry"}:
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExtraMissing, match=rf"pip install 'cadans\[{extra}\]'"):
        ask()
