"""All that is kept of her: every table with a way to a person is in it, or excused."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select

from app.db.base import Base
from app.db.models import Course, Listener, OutboxMail
from app.db.session import Database
from app.services import exports, outbox, unlocking
from app.services.addresses import FeedAddresses
from app.services.outbox import Notice
from feeds.tokens import FeedKeys
from tests.builders import START, a_course, a_listener, a_subscription, an_account

PEOPLE = {"listeners", "accounts"}
ADDRESSES = FeedAddresses(
    base_url="https://example.org", keys=FeedKeys(secrets={1: b"k" * 32}, current=1)
)


def leads_to_a_person(table: Table, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a table is about a person, hangs on one that is, or holds an e-mail address."""
    if table.name in PEOPLE or any("email" in column.name for column in table.columns):
        return True
    parents = {key.column.table for key in table.foreign_keys} - {table}
    return any(
        leads_to_a_person(parent, seen | {table.name})
        for parent in parents
        if parent.name not in seen
    )


def test_every_table_with_a_way_to_a_person_is_exported_or_excused() -> None:
    exported = {part.row.__tablename__ for part in exports.PARTS}
    wanted = {table.name for table in Base.metadata.sorted_tables if leads_to_a_person(table)}
    assert wanted == exported | set(exports.NOT_EXPORTED)
    assert not exported & set(exports.NOT_EXPORTED)


def test_what_is_left_out_of_a_table_is_there_to_leave_out() -> None:
    for part in exports.PARTS:
        columns = {column.name for column in part.row.__table__.columns}
        assert part.leave_out <= columns, part.key


@pytest.fixture
def kim(database: Database) -> Listener:
    with database.writing() as session:
        course = a_course(session, title="Bloei", slug="bloei")
        listener = a_listener(session, email="kim@example.org", name="Kim")
        subscription = a_subscription(session, course, listener)
        unlocking.record_subscription(session, subscription.id, now=START)
        notice = Notice(
            name="welcome:1",
            template="welcome",
            language="nl",
            address="kim@example.org",
            subscription_id=subscription.id,
        )
        outbox.put(session, notice, host="example.org", now=START)
    return listener


def export(database: Database, listener: Listener) -> dict[str, Any]:
    with database.reading() as session:
        return exports.collect(session, listener, addresses=ADDRESSES, now=START)


def keys_in(values: object) -> Iterator[str]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield key
            yield from keys_in(value)
    if isinstance(values, list):
        for value in values:
            yield from keys_in(value)


def test_export_holds_what_she_would_look_for(database: Database, kim: Listener) -> None:
    found = export(database, kim)
    (subscription,) = found["subscriptions"]
    assert (found["format"], found["version"]) == ("cadans-export", 1)
    assert found["listener"]["email"] == "kim@example.org"
    assert subscription["course"] == {"title": "Bloei", "slug": "bloei"}
    assert subscription["started_at"] == "2026-06-01T06:00:00Z"
    assert subscription["feed_addresses"][0]["url"].startswith("https://example.org/f/")
    assert subscription["unlocks"][0]["lesson"].startswith("Lesson ")
    assert [mail["template"] for mail in found["mails"]] == ["welcome"]
    assert found["account"] is None


def test_export_is_plain_json_without_keys_of_ours(database: Database, kim: Listener) -> None:
    with database.writing() as session:
        an_account(session, email="kim@example.org")
    found = export(database, kim)
    json.dumps(found)
    assert found["account"]["email"] == "kim@example.org"
    secret = {"password_hash", "sha256", "random_id", "id", "listener_id", "email_key"}
    assert not secret & set(keys_in(found))


def test_export_holds_nothing_of_anybody_else(database: Database, kim: Listener) -> None:
    with database.writing() as session:
        course = session.scalars(select(Course)).one()
        other = a_listener(session, email="eve@example.org", name="Eve")
        theirs = a_subscription(session, course, other)
        notice = Notice(
            name="welcome:2",
            template="welcome",
            language="nl",
            address="eve@example.org",
            subscription_id=theirs.id,
        )
        outbox.put(session, notice, host="example.org", now=START)
    text = json.dumps(export(database, kim)).casefold()
    assert "eve" not in text.replace("never", "").replace("every", "")
    assert str(theirs.public_id) not in text


def test_an_address_whose_key_is_gone_is_said_without_it(database: Database, kim: Listener) -> None:
    with database.writing() as session:
        other = a_subscription(
            session, a_course(session), session.get(Listener, kim.id), key_number=7
        )
        assert other.id
    found = export(database, kim)
    urls = [each["url"] for part in found["subscriptions"] for each in part["feed_addresses"]]
    assert sorted(url is None for url in urls) == [False, True]


def test_mail_of_which_the_address_was_forgotten_is_still_hers(
    database: Database, kim: Listener
) -> None:
    with database.writing() as session:
        for mail in session.scalars(select(OutboxMail)):
            mail.address, mail.sent_at = None, START + timedelta(days=1)
    (mail,) = export(database, kim)["mails"]
    assert (mail["address"], mail["sent_at"]) == (None, "2026-06-02T06:00:00Z")
