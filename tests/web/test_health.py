"""Does it live, is it ready: asked by machines, told without secrets."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import __version__, create_app
from app.house import House
from app.policy import Access
from app.services import readiness
from app.services.readiness import Probe
from app.settings import Settings
from app.web import access
from tests.parts.house import MakeHouse
from tests.parts.log import Log

PASSWORD = "hunter2secret"


def without_database(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    keys = {"CADANS_FEED_KEYS": f"1:{'ab' * 32}", "CADANS_SECRET_KEYS": "s" * 40}
    url = f"postgresql://cadans:{PASSWORD}@127.0.0.1:1/cadans"
    store = f"folder:{tmp_path / 'store'}"
    return {**environ, **keys, "CADANS_DATABASE_URL": url, "CADANS_STORE": store}


@pytest.fixture
def broken(environ: dict[str, str], tmp_path: Path, make_house: MakeHouse) -> FlaskClient:
    """A house whose database does not answer."""
    house = make_house(Settings.from_env(without_database(environ, tmp_path)))
    return create_app(house.settings, house).test_client()


def test_a_process_that_lives_says_so_and_whose_it_is(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json == {"service": "Cadans", "version": __version__, "status": "alive"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_a_process_lives_also_while_the_database_does_not(broken: FlaskClient) -> None:
    assert broken.get("/healthz").status_code == 200


def test_a_house_is_ready_when_database_and_store_answer(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "ready",
        "parts": {"database": "answers", "store": "answers"},
    }


def test_a_database_that_is_down_is_named_and_nothing_else_told(
    broken: FlaskClient, json_log: Log
) -> None:
    answer = broken.get("/readyz")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json is not None
    assert answer.json["status"] == "not ready"
    assert answer.json["parts"]["database"].startswith("does not answer")
    assert answer.json["parts"]["store"] == "answers"
    for text in (answer.text, json_log.text):
        assert PASSWORD not in text
        assert "127.0.0.1" not in text


def test_a_store_that_is_down_is_named(house: House, tmp_path: Path) -> None:
    (tmp_path / "var" / "store").mkdir(parents=True, exist_ok=True)
    app = create_app(house.settings, replace(house, store=_Silent(house)))  # type: ignore[arg-type]  # (only asked whether it answers)
    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["parts"] == {"database": "answers", "store": "does not answer (OSError)"}


class _Silent:
    """A store that cannot be reached."""

    def __init__(self, house: House) -> None:
        self._house = house

    def check(self) -> None:
        raise OSError(str(self._house.settings.store))


def test_a_part_that_is_silent_is_waited_for_a_moment_and_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    asked, release = [], threading.Event()

    def ask() -> None:
        asked.append(1)
        release.wait(20)

    probe = Probe("store", ask)
    assert [probe.trouble() for _ in range(3)] == ["does not answer"] * 3
    assert len(asked) == 1
    release.set()
    assert _in_time(lambda: probe.trouble() is None)


def test_strangers_cannot_have_a_part_asked_without_end() -> None:
    asked: list[int] = []
    probe = Probe("store", lambda: asked.append(1))

    for _ in range(50):
        assert probe.trouble() is None

    assert len(asked) < 5


def test_a_part_that_is_lost_and_comes_back_is_logged_once_each(
    json_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
    answers = iter([OSError("ada@example.org"), OSError("ada@example.org"), None])

    def ask() -> None:
        answer = next(answers)
        if answer:
            raise answer

    probe = Probe("store", ask)
    assert [probe.trouble() for _ in range(3)] == ["does not answer (OSError)"] * 2 + [None]
    assert [event["event"] for event in json_log.events] == ["part_lost", "part_back"]


def test_every_request_has_an_id_in_its_answer_and_in_the_log(
    client: FlaskClient, json_log: Log
) -> None:
    answer = client.get("/")

    number = answer.headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{16}", number)
    [event] = json_log.named("answered")
    assert event["request"] == number
    assert (event["endpoint"], event["method"], event["status"]) == ("public.home", "GET", 200)
    assert event["milliseconds"] > 0


def test_two_requests_have_two_ids(client: FlaskClient) -> None:
    assert client.get("/").headers["X-Request-Id"] != client.get("/").headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/cadans.css"])
def test_what_is_asked_all_the_time_leaves_no_line(
    client: FlaskClient, json_log: Log, path: str
) -> None:
    with client.get(path) as answer:
        assert answer.status_code == 200
    assert json_log.text == ""


@pytest.mark.parametrize(
    "given", ["7f6e5d4c3b2a19087f6e5d4c3b2a1908", "0b9a8c7d-6e5f-4a3b-8c1d-2e3f4a5b6c7d"]
)
def test_the_id_of_a_proxy_that_we_believe_is_taken_over(
    environ: dict[str, str], make_house: MakeHouse, given: str
) -> None:
    settings = Settings.from_env({**environ, "CADANS_TRUSTED_PROXIES": "127.0.0.1/32"})
    client = create_app(settings, make_house(settings)).test_client()

    assert client.get("/", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["ada@example.org", "x" * 32, "a" * 40, ""])
def test_what_does_not_look_like_an_id_is_not(
    environ: dict[str, str], make_house: MakeHouse, given: str
) -> None:
    settings = Settings.from_env({**environ, "CADANS_TRUSTED_PROXIES": "127.0.0.1/32"})
    client = create_app(settings, make_house(settings)).test_client()

    assert client.get("/", headers={"X-Request-Id": given}).headers["X-Request-Id"] != given


def test_a_stranger_chooses_no_id(client: FlaskClient) -> None:
    given = "7f6e5d4c3b2a19087f6e5d4c3b2a1908"

    assert client.get("/", headers={"X-Request-Id": given}).headers["X-Request-Id"] != given


def test_a_page_that_broke_names_the_request_that_the_log_tells_of(
    app: Flask, json_log: Log
) -> None:
    answer = _break(app, "/", "public.home")

    assert answer.status_code == 500
    number = answer.headers["X-Request-Id"]
    assert number in answer.text
    [failed] = json_log.named("request_failed")
    assert failed["request"] == number
    assert "RuntimeError" in failed["exception"]
    assert "Wilhelmina" not in json_log.text + answer.text


def test_an_api_answer_that_broke_names_the_request(app: Flask, json_log: Log) -> None:
    answer = _break(app, "/api/v1/openapi.json", "api.openapi")

    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert "Wilhelmina" not in json_log.text + answer.text


def test_a_made_up_method_is_not_written_down(client: FlaskClient, json_log: Log) -> None:
    client.open("/", method="WILHELMINA")

    [event] = json_log.named("answered")
    assert event["method"] == "other"
    assert "WILHELMINA" not in json_log.text


def _break(app: Flask, path: str, endpoint: str) -> TestResponse:
    def view() -> str:
        raise RuntimeError("Wilhelmina")

    app.view_functions[endpoint] = access.for_(Access.ANYONE)(view)
    return app.test_client().get(path)


def _in_time(is_so: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        if is_so():
            return True
        time.sleep(0.05)
    return False
