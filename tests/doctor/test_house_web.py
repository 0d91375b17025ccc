"""The doctor at the address people use: a real server of ours, another one, or none."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from app.doctor.house_clock import Moment
from app.doctor.house_web import look_at_address
from app.doctor.report import Check, Grade
from app.settings import Settings
from app.wiring import open_store
from tests.parts.house import MONDAY
from tests.parts.server import Installation, free_port, installation
from tests.parts.strangers import Stranger

KEYS = {"CADANS_SECRET_KEYS": "cd" * 32, "CADANS_FEED_KEYS": f"1:{'ab' * 32}"}
THREADS = 4
PATIENCE_SECONDS = 30
TRIES = 5


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("served"), KEYS) as here:
        here.make_tables()
        here.serve("--threads", str(THREADS))
        yield here


def settings_of(here: Installation, **changes: str) -> Settings:
    environ = {
        **KEYS,
        "CADANS_VAR": str(here.folder / "var"),
        "CADANS_BASE_URL": here.url,
        **{f"CADANS_{name.upper()}": value for name, value in changes.items()},
    }
    return Settings.from_env(environ)


def look(settings: Settings) -> dict[str, Check]:
    found = look_at_address(settings, open_store(settings.store))
    return {check.code: check for check in found}


def grades(found: dict[str, Check]) -> dict[str, Grade]:
    return {code: check.grade for code, check in found.items()}


def look_at(url: str) -> dict[str, Check]:
    return look(Settings.from_env({**KEYS, "CADANS_BASE_URL": url}))


def test_house_that_answers_is_found_fine(served: Installation) -> None:
    every = dict.fromkeys(("address", "web_clock", "proxies", "threads", "audio"), Grade.OK)
    found = {}
    # On a busy machine one answer may take as long as if no thread were free.
    for _ in range(TRIES):
        found = grades(look(settings_of(served)))
        if found == every:
            break
    assert found == every


def test_house_with_other_keys_is_another_one(served: Installation) -> None:
    found = look(settings_of(served, secret_keys="ef" * 32))["address"]
    assert found.grade is Grade.FAIL
    assert "A Cadans answers" in found.message
    assert "not this house" in found.message


def test_older_key_of_the_house_is_known_as_well(served: Installation) -> None:
    found = look(settings_of(served, secret_keys=f"{'cd' * 32},{'ef' * 32}"))["address"]
    assert found.grade is Grade.OK


def test_house_that_takes_itself_to_be_elsewhere_is_found(served: Installation) -> None:
    found = look(settings_of(served, base_url=f"http://localhost:{served.port}"))["address"]
    assert found.grade is Grade.FAIL
    assert f"takes itself to be at {served.url}" in found.message


def test_another_program_is_found(stranger: Stranger) -> None:
    found = look_at(stranger.url)["address"]
    assert found.grade is Grade.FAIL
    assert "Something else answers" in found.message


def test_proxy_with_nobody_behind_it_is_found(stranger: Stranger) -> None:
    stranger.status = 502
    found = look_at(stranger.url)["address"]
    assert "does not reach us (502)" in found.message


def test_address_that_sends_people_on_is_found(stranger: Stranger) -> None:
    stranger.status, stranger.headers = 301, {"Location": "https://www.example.org/hooks/doctor"}
    found = look_at(stranger.url)["address"]
    assert "sends people on to https://www.example.org." in found.message


def test_address_where_nobody_listens_is_found() -> None:
    found = look_at(f"http://127.0.0.1:{free_port()}")["address"]
    assert "Nobody answers" in found.message


@pytest.mark.parametrize(
    ("ahead", "grade", "words"),
    [
        (timedelta(0), Grade.OK, "agrees"),
        (timedelta(hours=1), Grade.FAIL, "seconds behind that of the server"),
        (timedelta(minutes=-2), Grade.FAIL, "seconds ahead of that of the server"),
    ],
)
def test_server_that_lives_at_another_time_is_found(
    stranger: Stranger, ahead: timedelta, grade: Grade, words: str
) -> None:
    stranger.ahead = ahead
    found = look_at(stranger.url)["web_clock"]
    assert found.grade is grade
    assert words in found.message


@pytest.mark.parametrize(
    ("theirs", "apart"),
    [
        (timedelta(seconds=-2), 2),
        (timedelta(0), 0),
        (timedelta(seconds=3), 0),
        (timedelta(seconds=10), 0),
        (timedelta(seconds=11), -1),
    ],
)
def test_time_that_an_answer_takes_sets_no_clock_wrong(theirs: timedelta, apart: int) -> None:
    moment = Moment(begun_at=MONDAY, ended_at=MONDAY + timedelta(seconds=10))
    assert moment.apart_from(MONDAY + theirs) == timedelta(seconds=apart)


def test_server_that_says_no_date_says_nothing_about_its_clock(stranger: Stranger) -> None:
    stranger.headers = {"Date": "some day"}
    assert "web_clock" not in look_at(stranger.url)


def test_threads_that_are_busy_are_counted(served: Installation) -> None:
    with ExitStack() as stack:
        for _ in range(THREADS - 1):
            stack.enter_context(half_a_form(served))
        found = look(settings_of(served))["threads"]
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        # They are on their way.
        while found.grade is Grade.OK and time.monotonic() < give_up_at:
            found = look(settings_of(served))["threads"]
    assert found.grade is Grade.WARN
    assert f"Of {THREADS} threads {THREADS - 1} were busy" in found.message


def half_a_form(here: Installation) -> socket.socket:
    """Somebody who sends a form and stops in the middle: a thread waits for the rest."""
    line = socket.create_connection(("127.0.0.1", here.port), timeout=10)
    head = f"POST /my/ HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nContent-Length: 1000\r\n"
    line.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=".encode())
    return line


def test_store_that_the_server_does_not_read_is_found(served: Installation, tmp_path: Path) -> None:
    found = look(settings_of(served, store=f"folder:{tmp_path}"))["audio"]
    assert found.grade is Grade.FAIL
    assert "Audio does not come through (CADANS_AUDIO=redirect)" in found.message
    assert list(tmp_path.rglob("*.bin")) == []


def test_release_of_the_server_is_compared(
    served: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.doctor.house_web.__version__", "99.0")
    found = look(settings_of(served))["address"]
    assert found.grade is Grade.WARN
    assert "this command of 99.0" in found.message
