"""Feed keys are what they were: one that is gone or another is noticed before it shuts a feed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cadans
from app.db.models import Mark
from app.db.session import Database, open_database
from app.doctor.house_database import look_at_feed_keys
from app.doctor.report import Grade
from app.services import key_marks
from app.services.key_marks import FeedKeyChanged
from feeds.tokens import FeedKeys
from tests.builders import a_course, a_subscription

OLD, NEW = b"o" * 32, b"n" * 32


def keys(**secrets: bytes) -> FeedKeys:
    numbered = {int(name.removeprefix("k")): secret for name, secret in secrets.items()}
    return FeedKeys(secrets=numbered, current=list(numbered)[-1])


def remember(database: Database, known: FeedKeys) -> None:
    with database.writing() as session:
        key_marks.remember(session, known)


def changed(database: Database, now: FeedKeys) -> list[int]:
    with database.reading() as session:
        return key_marks.changed_keys(session, now)


def put_addresses(database: Database, *key_numbers: int) -> None:
    with database.writing() as session:
        course = a_course(session)
        for number in key_numbers:
            a_subscription(session, course, key_number=number)


def test_key_is_known_again(database: Database) -> None:
    put_addresses(database, 1)
    remember(database, keys(k1=OLD))
    assert changed(database, keys(k1=OLD)) == []


def test_another_key_under_its_number_is_noticed(database: Database) -> None:
    put_addresses(database, 1)
    remember(database, keys(k1=OLD))
    assert changed(database, keys(k1=NEW)) == [1]


def test_key_that_is_added_is_no_change(database: Database) -> None:
    put_addresses(database, 1)
    remember(database, keys(k1=OLD))
    assert changed(database, keys(k1=OLD, k2=NEW)) == []


def test_key_on_which_nothing_hangs_may_be_another(database: Database) -> None:
    put_addresses(database, 2)
    remember(database, keys(k1=OLD, k2=NEW))
    assert changed(database, keys(k1=NEW, k2=NEW)) == []
    remember(database, keys(k1=NEW, k2=NEW))
    put_addresses(database, 1)
    assert changed(database, keys(k1=OLD, k2=NEW)) == [1]


def test_tables_do_not_hold_the_key(database: Database) -> None:
    remember(database, keys(k1=OLD))
    with database.reading() as session:
        mark = session.get(Mark, "feed key 1")
        assert mark is not None
        assert OLD.hex() not in mark.value


def test_doctor_counts_addresses_by_key(database: Database) -> None:
    put_addresses(database, 1, 1, 2)
    [found] = look_at_feed_keys(database, keys(k1=OLD, k2=NEW))
    assert found.grade is Grade.OK
    assert "2 on key 1, 1 on key 2; key 2 makes new ones" in found.message


def test_doctor_finds_addresses_whose_key_is_gone(database: Database) -> None:
    put_addresses(database, 1, 1, 2)
    [found] = look_at_feed_keys(database, keys(k2=NEW))
    assert found.grade is Grade.FAIL
    assert "Feed addresses that no longer work: 2;" in found.message
    assert "Put key 1 back" in found.remedy


def test_doctor_finds_addresses_whose_key_is_another(database: Database) -> None:
    put_addresses(database, 1)
    remember(database, keys(k1=OLD))
    [found] = look_at_feed_keys(database, keys(k1=NEW))
    assert found.grade is Grade.FAIL
    assert "under number 1 stands another key" in found.message


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_house_does_not_start_with_another_key(
    command: str, sqlite_url: str, tmp_path: Path
) -> None:
    database = open_database(sqlite_url)
    put_addresses(database, 1)
    remember(database, keys(k1=OLD))
    database.close()
    environ = {
        "CADANS_VAR": str(tmp_path / "var"),
        "CADANS_DATABASE_URL": sqlite_url,
        "CADANS_FEED_KEYS": f"1:{NEW.hex()}",
    }
    done = CliRunner().invoke(cadans, [command], env=environ)
    assert isinstance(done.exception, FeedKeyChanged)
    assert "put that one back" in str(done.exception)
    assert NEW.hex() not in str(done.exception)
