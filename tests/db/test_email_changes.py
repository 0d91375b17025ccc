"""Another mailbox, on both databases: two yeses, and what somebody else has stays theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db.models import EmailChange, Listener, OutboxMail
from app.db.session import Database
from app.errors import LinkExpired
from app.services import email_changes
from app.services.email_addresses import parse_address
from app.services.email_changes import Outcome, Side
from app.services.links import OpenedLink
from tests.builders import START, a_listener

HOST = "cursus.example"
NEW = "Kim.New@Example.org"


@pytest.fixture
def kim(database: Database) -> int:
    with database.writing() as session:
        return a_listener(session, email="kim@example.org").id


def ask(database: Database, kim: int, email: str = NEW) -> OpenedLink:
    """Ask, and answer what the links in both mails say."""
    with database.writing() as session:
        email_changes.ask(
            session,
            kim,
            parse_address(email),
            language="nl",
            network="test",
            host=HOST,
            now=START,
        )
    with database.reading() as session:
        change = session.scalars(select(EmailChange)).one()
    return OpenedLink(row_id=change.id, made_at=change.created_at)


def agree(database: Database, opened: OpenedLink, side: Side) -> Outcome:
    with database.writing() as session:
        return email_changes.agree(session, opened, side, host=HOST, now=START)


def address_of(database: Database, kim: int) -> tuple[str, str]:
    with database.reading() as session:
        listener = session.get_one(Listener, kim)
        return listener.email, listener.email_key


@pytest.mark.parametrize("order", [(Side.OLD, Side.NEW), (Side.NEW, Side.OLD)])
def test_address_changes_with_the_second_yes_in_either_order(
    database: Database, kim: int, order: tuple[Side, Side]
) -> None:
    opened = ask(database, kim)
    assert agree(database, opened, order[0]) is Outcome.WAITING
    assert address_of(database, kim)[0] == "kim@example.org"
    assert agree(database, opened, order[1]) is Outcome.CHANGED
    assert address_of(database, kim) == (NEW, "kim.new@example.org")
    with pytest.raises(LinkExpired):
        agree(database, opened, order[0])
    with database.reading() as session:
        told = session.scalars(
            select(OutboxMail.address).where(OutboxMail.template == "email_changed")
        ).all()
    assert told == ["kim@example.org"]


def test_address_that_somebody_has_meanwhile_is_not_taken_from_them(
    database: Database, kim: int
) -> None:
    opened = ask(database, kim)
    agree(database, opened, Side.OLD)
    with database.writing() as session:
        a_listener(session, email="kim.new@example.org")
    assert agree(database, opened, Side.NEW) is Outcome.IMPOSSIBLE
    assert address_of(database, kim)[0] == "kim@example.org"
    with database.reading() as session:
        assert session.scalars(select(EmailChange)).all() == []


def test_later_wish_takes_the_place_of_the_first(database: Database, kim: int) -> None:
    ask(database, kim)
    ask(database, kim, "other@example.org")
    with database.reading() as session:
        assert session.scalars(select(EmailChange.email)).all() == ["other@example.org"]


def test_wishes_are_thrown_away_after_seven_days(database: Database, kim: int) -> None:
    ask(database, kim)
    with database.writing() as session:
        assert email_changes.forget_old(session, now=START + timedelta(days=6)) == 0
        assert email_changes.forget_old(session, now=START + timedelta(days=7)) == 1
