"""Mail that somebody sits and waits for goes before the news of a day; on both databases."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from app.db.models import OutboxMail
from app.db.session import Database
from app.house import House
from app.services import mailing, outbox, signup
from app.services.email_addresses import parse_address
from app.services.signup import SignUp
from tests.builders import START, a_course, a_listener, a_subscription
from tests.db.test_due import plan_of
from tests.parts.crowds import analyse
from tests.parts.house import SettableClock, environ_on
from tests.parts.smtp import MailServer

HOUR = timedelta(hours=1)


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
    }


@pytest.fixture
def sign_up(house: House) -> Callable[[str], None]:
    with house.database.writing() as session:
        course = a_course(session)
        for number in range(3):
            listener = a_listener(session, email=f"news{number}@example.org")
            subscription = a_subscription(session, course, listener)
            notice = outbox.Notice(
                name=f"news{number}",
                template="welcome",
                language="nl",
                address=listener.email,
                subscription_id=subscription.id,
            )
            outbox.put(session, notice, host="h", now=house.clock() - HOUR)

    def ask(email: str) -> None:
        asked = SignUp(
            course_id=course.id, name="Kim", address=parse_address(email), language="nl", zone=None
        )
        with house.database.writing() as session:
            signup.ask(session, asked, network="n", host="h", now=house.clock())

    return ask


def to_whom(mail_server: MailServer) -> list[str]:
    return [mail.recipients[0] for mail in mail_server.received]


def test_confirm_mail_goes_before_news_that_is_due_longer(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    sign_up("kim@example.org")
    mailing.send_due(house, limit=1)
    assert to_whom(mail_server) == ["kim@example.org"]
    mailing.send_due(house)
    assert to_whom(mail_server)[1:] == [f"news{number}@example.org" for number in range(3)]


def test_one_that_waits_for_its_next_try_holds_up_no_news(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer, clock: SettableClock
) -> None:
    mail_server.answer_to["kim@example.org"] = "450 4.2.2 full"
    sign_up("kim@example.org")
    mailing.send_due(house)
    assert len(to_whom(mail_server)) == 3
    del mail_server.answer_to["kim@example.org"]
    clock.advance(timedelta(minutes=1))
    mailing.send_due(house)
    assert to_whom(mail_server)[3:] == ["kim@example.org"]


@pytest.mark.parametrize(
    ("template", "is_waited_for"),
    [
        ("confirm", True),
        ("sign_in", True),
        ("password_reset", True),
        ("email_change", True),
        ("lesson_unlocked", False),
        ("email_move", False),
    ],
)
def test_mail_that_somebody_waits_for_is_marked(
    database: Database, template: str, *, is_waited_for: bool
) -> None:
    notice = outbox.Notice(name="x", template=template, language="nl", address="x@example.org")
    with database.writing() as session:
        assert outbox.put_many(session, [notice], host="h", now=START)
        mail = outbox.find_due(session, START)
        assert mail is not None
        assert mail.is_waited_for is is_waited_for


def test_both_are_found_by_index_without_sorting_all_that_waits(database: Database) -> None:
    with database.writing() as session:
        session.execute(insert(OutboxMail), [a_row(number) for number in range(3_000)])
        analyse(session)
        plans = [
            plan_of(session, question)
            for question in (
                outbox.due(START).where(outbox.IS_WAITED_FOR),
                outbox.due(START),
            )
        ]
    assert "ix_outbox_waited_for" in plans[0]
    assert "ix_outbox_waiting" in plans[1]
    for plan in plans:
        assert "SCAN outbox" not in plan
        assert "Seq Scan" not in plan


def a_row(number: int) -> dict[str, object]:
    return {
        "notice": f"n{number}",
        "template": "welcome",
        "language": "nl",
        "address": f"x{number}@example.org",
        "message_id": f"<{number}@h>",
        "created_at": START,
        "due_at": START + number * HOUR,
        "is_waited_for": number % 100 == 0,
    }
