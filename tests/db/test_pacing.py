"""Mail to one domain at its pace, others unhindered, over few connections; real SMTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import OutboxMail
from app.house import House
from app.services import mailing, outbox, pacing
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import MONDAY, SettableClock, environ_on
from tests.parts.smtp import MailServer

MINUTE = timedelta(minutes=1)


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
        "CADANS_MAIL_PACE": "3",
    }


def put_news(house: House, *addresses: str) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        for address in addresses:
            subscription = a_subscription(session, course, a_listener(session, email=address))
            notice = outbox.Notice(
                name=f"news:{address}",
                template="welcome",
                language="nl",
                address=address,
                subscription_id=subscription.id,
            )
            outbox.put(session, notice, host="h", now=MONDAY)


def reached(mail_server: MailServer) -> Iterator[str]:
    return (mail.recipients[0] for mail in mail_server.received)


def several(domain: str, count: int) -> list[str]:
    return [f"ben{number}@{domain}" for number in range(count)]


def test_no_minute_has_more_mails_to_a_domain_than_its_pace(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    put_news(house, *several("big.example", 8))
    for sent in (3, 6, 8):
        mailing.send_due(house)
        mailing.send_due(house)
        assert len(mail_server.received) == sent
        clock.advance(MINUTE)


def test_full_minute_of_one_domain_holds_up_no_other(house: House, mail_server: MailServer) -> None:
    put_news(house, *several("big.example", 5), "kim@small.example")
    mailing.send_due(house)
    assert "kim@small.example" in reached(mail_server)


def test_pace_holds_across_workers(house: House) -> None:
    with house.database.writing() as session:
        for _ in range(3):
            assert take_turn(session, None) == MONDAY
    with house.database.writing() as session:
        assert take_turn(session, None) == MONDAY + MINUTE


def take_turn(session: Session, turn_at: datetime | None) -> datetime:
    return pacing.take_turn(session, "big.example", per_minute=3, now=MONDAY, turn_at=turn_at)


def test_mail_that_somebody_waits_for_does_not_queue(house: House, mail_server: MailServer) -> None:
    put_news(house, *several("big.example", 5))
    with house.database.writing() as session:
        notice = outbox.Notice(
            name="sign-in", template="sign_in", language="nl", address="ben0@big.example"
        )
        outbox.put(session, notice, host="h", now=MONDAY)
    mailing.send_due(house)
    assert len(mail_server.received) == 4


def test_domain_that_is_busy_is_left_alone_and_others_go_on(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    mail_server.answer_to["ben0@busy.example"] = "451 4.7.1 slow down"
    put_news(house, "ben0@busy.example", "ben1@busy.example", "kim@quick.example")
    mailing.send_due(house)
    assert list(reached(mail_server)) == ["kim@quick.example"]
    mail_server.answer_to.clear()
    clock.advance(MINUTE - timedelta(seconds=1))
    mailing.send_due(house)
    assert len(mail_server.received) == 1
    clock.advance(timedelta(seconds=1))
    mailing.send_due(house)
    assert len(mail_server.received) == 3


def test_domain_is_left_alone_longer_each_time_until_it_takes_a_mail(house: House) -> None:
    now = MONDAY
    with house.database.writing() as session:
        for wait in (*pacing.HOLDS, pacing.HOLDS[-1]):
            pacing.hold(session, "busy.example", now=now)
            assert pacing.held_until(session, "busy.example") == now + wait
            now += wait
        pacing.takes_mail(session, "busy.example")
        pacing.hold(session, "busy.example", now=now)
        assert pacing.held_until(session, "busy.example") == now + pacing.HOLDS[0]


def test_mailbox_that_is_full_says_nothing_of_its_domain(
    house: House, mail_server: MailServer
) -> None:
    mail_server.answer_to["ben0@big.example"] = "452 4.2.2 mailbox full"
    put_news(house, *several("big.example", 2))
    mailing.send_due(house)
    assert list(reached(mail_server)) == ["ben1@big.example"]


def test_what_waits_for_a_busy_domain_comes_at_its_pace_afterwards(
    house: House, mail_server: MailServer, clock: SettableClock
) -> None:
    put_news(house, *several("big.example", 9))
    mailing.send_due(house)
    with house.database.writing() as session:
        pacing.hold(session, "big.example", now=MONDAY)
        pacing.hold(session, "big.example", now=MONDAY + MINUTE)
    clock.advance(2 * MINUTE)
    mailing.send_due(house)
    assert len(mail_server.received) == 3
    clock.advance(MINUTE)
    mailing.send_due(house)
    mailing.send_due(house)
    assert len(mail_server.received) == 6


def test_mails_in_a_row_share_one_connection(house: House, mail_server: MailServer) -> None:
    put_news(house, "a@one.example", "b@two.example", "c@three.example")
    mailing.send_due(house)
    assert len(mail_server.received) == 3
    assert mail_server.greetings == 1


def test_refused_recipient_does_not_spoil_the_connection(
    house: House, mail_server: MailServer
) -> None:
    mail_server.answer_to["a@one.example"] = "550 5.1.1 nobody"
    put_news(house, "a@one.example", "b@two.example")
    mailing.send_due(house)
    assert list(reached(mail_server)) == ["b@two.example"]
    assert mail_server.greetings == 1


def test_connection_that_the_server_closed_is_opened_again(
    house: House, mail_server: MailServer
) -> None:
    mail_server.answer_to["a@one.example"] = "421 4.3.2 closing"
    put_news(house, "a@one.example", "b@two.example")
    mailing.send_due(house)
    assert mail_server.received == []
    mailing.send_due(house)
    assert list(reached(mail_server)) == ["b@two.example"]


def test_row_of_a_paced_mail_keeps_its_tries(house: House) -> None:
    put_news(house, *several("big.example", 4))
    mailing.send_due(house)
    with house.database.reading() as session:
        waiting = session.scalars(select(OutboxMail).where(OutboxMail.sent_at.is_(None))).one()
    assert (waiting.attempts, waiting.paced_at) == (0, MONDAY + MINUTE)
