import logging
import threading
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import structlog

from app.scrub import say_where, scrub
from app.services.links import Links, Purpose
from feeds.tokens import FeedKeys, build_token
from tests.parts.log import Log

log = structlog.get_logger()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = FeedKeys(secrets={1: bytes(32)}, current=1)
LINK = Links(keys=("k" * 40,)).sign(Purpose.SIGN_IN, 17, now=NOW)


def test_an_event_is_one_line_of_json_with_its_fields(json_log: Log) -> None:
    log.warning("mail_put_off", mail=17)

    [event] = json_log.events
    assert event["event"] == "mail_put_off"
    assert event["level"] == "warning"
    assert event["mail"] == 17
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None


def test_people_read_the_same_without_json(people_log: Log) -> None:
    log.warning("mail_put_off", mail=17)

    assert "mail_put_off" in people_log.text
    assert "mail=17" in people_log.text
    assert "{" not in people_log.text


def test_what_a_library_logs_is_an_event_like_ours(json_log: Log) -> None:
    logging.getLogger("some.library").warning("no answer from %s", "ada@example.org")

    [event] = json_log.events
    assert event["event"] == "no answer from [address]"
    assert event["logger"] == "some.library"
    assert event["level"] == "warning"


def test_what_a_library_only_notes_is_not_logged(json_log: Log) -> None:
    logging.getLogger("some.library").info("hello")

    assert json_log.text == ""


def test_setting_up_twice_writes_nothing_twice(open_log: Callable[..., Log]) -> None:
    first, second = open_log(False), open_log(True)
    logging.getLogger("some.library").warning("once")

    assert first.text == ""
    assert len(second.events) == 1


def test_a_warning_of_python_is_an_event(json_log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old habit", DeprecationWarning, stacklevel=1)

    assert "old habit" in json_log.events[0]["event"]


def test_of_an_error_the_log_says_what_and_where_but_not_its_words(json_log: Log) -> None:
    try:
        _fail("Wilhelmina")
    except LookupError:
        log.exception("request_failed")

    [event] = json_log.events
    assert "_fail" in event["exception"]
    assert "builtins.KeyError" in event["exception"]
    assert "builtins.LookupError" in event["exception"]
    assert "Wilhelmina" not in json_log.text


def test_of_an_error_in_a_library_neither(json_log: Log) -> None:
    try:
        _fail("Wilhelmina")
    except LookupError:
        logging.getLogger("some.library").exception("it broke")

    assert "_fail" in json_log.events[0]["exception"]
    assert "Wilhelmina" not in json_log.text


def test_a_thread_that_is_lost_leaves_an_event(json_log: Log) -> None:
    thread = threading.Thread(target=_fail, args=("Wilhelmina",), name="cadans-test")
    thread.start()
    thread.join()

    [event] = json_log.named("thread_lost")
    assert event["thread"] == "cadans-test"
    assert "_fail" in event["exception"]
    assert "Wilhelmina" not in json_log.text


def test_a_flood_of_the_same_trouble_is_held_back_and_counted(
    json_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    instant = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: instant)
    for _ in range(500):
        log.error("database_unreachable", error="OperationalError")
    log.error("database_unreachable", error="InterfaceError")
    assert len(json_log.events) == 21

    instant += 10
    log.error("database_unreachable", error="OperationalError")
    log.error("database_unreachable", error="OperationalError")
    assert [event.get("held_back") for event in json_log.events[21:]] == [480, None]


def test_what_is_no_trouble_is_never_held_back(json_log: Log) -> None:
    for _ in range(100):
        log.info("answered", endpoint="public.home")

    assert len(json_log.events) == 100


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /f/{} failed", build_token(KEYS, 1, bytes(range(16)))),
        ("/my/enter/{}", LINK),
        ("Cookie: session={}", "eyJfZnJlc2giOnRydWV9.aTXYZw.q1w2e3r4t5y6u7i8o9p0aq1w2e3"),
        ("Authorization: Bearer {}", "cadans_" + "0f" * 32),
        ("Authorization: Bearer {}", "some-other-kind-of-token"),
        ("no route to smtp://{}@mail.example.org", "me:p%40ss"),
        ("postgresql://{}@db/cadans", "cadans:hunter2"),
        ("<{}> does not exist", "ada.lovelace+course@example.org"),
        ("/bucket/1/ab.mp3?{} broke", "X-Amz-Signature=00ff&X-Amz-Expires=60"),
    ],
)
def test_secrets_are_taken_out_of_any_text(text: str, secret: str) -> None:
    cleaned = scrub(text.format(secret))

    assert secret not in cleaned
    assert cleaned != ""


@pytest.mark.parametrize(
    "text",
    [
        "app/services/mailing.py, line 181",
        "cadans_polls_total",
        "sqlalchemy.exc.OperationalError",
        "0123456789abcdef0123456789abcdef01234567",
        "mail is back? no",
        "10.0.0.7:5432 refused",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrub(text) == text


def test_fields_are_cleaned_however_deep(json_log: Log) -> None:
    log.info("odd", at={"deep": ["x@example.org", 3, None]}, what=b"y@example.org")

    [event] = json_log.events
    assert event["at"] == {"deep": ["[address]", 3, None]}
    assert event["what"] == "[address]"


def test_an_error_that_caused_itself_is_said_once() -> None:
    first, second = ValueError("one"), KeyError("two")
    first.__cause__, second.__cause__ = second, first

    assert say_where(first) == "builtins.KeyError\nbuiltins.ValueError"


def _fail(name: str) -> None:
    raise LookupError(f"no {name}") from KeyError(name)


@pytest.mark.parametrize("sign", ["a", "!", "a.", "/a", "//a", "?a=", "a?", "bearer "])
def test_a_text_of_any_length_holds_nobody_up(sign: str) -> None:
    # Tried from every sign in it, one of them takes a quarter of an hour.
    begun = time.monotonic()
    scrub(sign * 100_000)

    assert time.monotonic() - begun < 60
