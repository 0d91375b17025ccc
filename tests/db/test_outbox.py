"""The outbox carried out, on both databases, against a real mail server and real processes."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.models import Confirmation, LimitCount, OutboxMail
from app.house import House
from app.mail.transport import open_transport
from app.services import mailing, outbox, signup
from app.services.email_addresses import parse_address
from app.services.mailing import BACKOFF, LEASE
from app.services.signup import SignUp
from app.setting_values import parse_mail
from tests.builders import a_course, a_listener, a_subscription, an_account
from tests.parts.house import MONDAY, SettableClock, environ_on
from tests.parts.smtp import MailServer

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
    }


@pytest.fixture
def sign_up(house: House) -> Callable[[str], None]:
    with house.database.writing() as session:
        course_id = a_course(session).id

    def ask(email: str) -> None:
        asked = SignUp(
            course_id=course_id, name="Kim", address=parse_address(email), language="nl", zone=None
        )
        with house.database.writing() as session:
            signup.ask(session, asked, network="n", host="127.0.0.1", now=house.clock())

    return ask


def the_mail(house: House) -> OutboxMail:
    with house.database.reading() as session:
        return session.scalars(select(OutboxMail)).one()


def test_mail_is_sent_once(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    sign_up("kim@example.org")
    assert mailing.send_due(house) == 1
    assert mailing.send_due(house) == 0
    assert [mail.recipients for mail in mail_server.received] == [("kim@example.org",)]
    assert the_mail(house).sent_at == MONDAY


def test_mail_has_the_message_id_of_its_row(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    sign_up("kim@example.org")
    mailing.send_due(house)
    assert mail_server.received[0].message["Message-ID"] == the_mail(house).message_id


def test_workers_at_once_send_every_mail_once(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    for number in range(8):
        sign_up(f"kim{number}@example.org")
    workers = [threading.Thread(target=mailing.send_due, args=(house,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    recipients = sorted(mail.recipients[0] for mail in mail_server.received)
    assert recipients == [f"kim{number}@example.org" for number in range(8)]


def test_refused_address_is_given_up(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    mail_server.answer_to["kim@example.org"] = "550 no such user"
    sign_up("kim@example.org")
    mailing.send_due(house)
    mail = the_mail(house)
    assert (mail.sent_at, mail.failed_at) == (None, MONDAY)
    assert mail.last_error == "mail server answered 550"


def test_refused_address_does_not_hold_up_the_next(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    mail_server.answer_to["kim@example.org"] = "550 no such user"
    sign_up("kim@example.org")
    sign_up("ben@example.org")
    assert mailing.send_due(house) == 2
    assert [mail.recipients for mail in mail_server.received] == [("ben@example.org",)]


def test_busy_server_is_asked_again_after_a_minute(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer, clock: SettableClock
) -> None:
    mail_server.answer_to["kim@example.org"] = "451 greylisted"
    sign_up("kim@example.org")
    mailing.send_due(house)
    mail_server.answer_to.clear()
    clock.advance(timedelta(seconds=59))
    assert mailing.send_due(house) == 0
    clock.advance(timedelta(seconds=1))
    assert mailing.send_due(house) == 1
    assert len(mail_server.received) == 1


def test_server_that_is_down_loses_nothing(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer, clock: SettableClock
) -> None:
    nobody = open_transport(parse_mail("smtp://127.0.0.1:1?tls=none"))
    sign_up("kim@example.org")
    assert mailing.send_due(dataclasses.replace(house, mail=nobody)) == 0
    assert the_mail(house).last_error == "mail server: ConnectionRefusedError"
    clock.advance(BACKOFF[0])
    assert mailing.send_due(house) == 1
    assert len(mail_server.received) == 1


def test_letters_that_the_server_cannot_write_are_given_up(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    mail_server.knows_utf8 = False
    sign_up("zoë@example.org")
    mailing.send_due(house)
    assert the_mail(house).failed_at == MONDAY


def test_letters_beyond_ascii_reach_their_mailbox(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    sign_up("zoë@bücher.example")
    mailing.send_due(house)
    assert mail_server.received[0].recipients == ("zoë@xn--bcher-kva.example",)


def test_we_give_up_after_three_days(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer, clock: SettableClock
) -> None:
    mail_server.answer_to["kim@example.org"] = "421 later"
    sign_up("kim@example.org")
    for wait in BACKOFF:
        mailing.send_due(house)
        assert the_mail(house).failed_at is None
        clock.advance(wait)
    mailing.send_due(house)
    assert the_mail(house).failed_at is not None
    assert timedelta(days=2, hours=12) < clock() - MONDAY < timedelta(days=5)


def test_error_holds_no_address(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    mail_server.answer_to["kim@example.org"] = "550 <kim@example.org> no such user"
    sign_up("kim@example.org")
    mailing.send_due(house)
    assert "kim" not in str(the_mail(house).last_error)


def test_mail_that_cannot_be_written_does_not_hold_up_the_next(
    house: House, sign_up: Callable[[str], None], mail_server: MailServer
) -> None:
    with house.database.writing() as session:
        notice = outbox.Notice(
            name="odd", template="nonsense", language="nl", address="x@y.example"
        )
        outbox.put(session, notice, host="h", now=MONDAY - timedelta(seconds=1))
    sign_up("kim@example.org")
    mailing.send_due(house)
    assert len(mail_server.received) == 1


def test_claimed_mail_is_nobody_elses_until_its_lease_ends(
    house: House, sign_up: Callable[[str], None], clock: SettableClock
) -> None:
    sign_up("kim@example.org")
    with house.database.writing() as session:
        session.scalars(select(OutboxMail)).one().leased_until = MONDAY + LEASE
    clock.advance(LEASE - timedelta(seconds=1))
    assert mailing.send_due(house) == 0
    clock.advance(timedelta(seconds=1))
    assert mailing.send_due(house) == 1


def test_worker_killed_after_sending_makes_the_next_send_the_same_message(
    house: House,
    sign_up: Callable[[str], None],
    mail_server: MailServer,
    clock: SettableClock,
    environ: dict[str, str],
) -> None:
    sign_up("kim@example.org")
    kill_worker(mail_server, environ, answer="250 OK")
    assert len(mail_server.received) == 1
    assert the_mail(house).sent_at is None
    clock.advance(LEASE)
    mailing.send_due(house)
    first, second = (mail.message["Message-ID"] for mail in mail_server.received)
    assert first == second


def test_worker_killed_before_sending_loses_nothing(
    house: House,
    sign_up: Callable[[str], None],
    mail_server: MailServer,
    clock: SettableClock,
    environ: dict[str, str],
) -> None:
    sign_up("kim@example.org")
    kill_worker(mail_server, environ, answer="451 not taken")
    assert mail_server.received == []
    mail_server.answer = "250 OK"
    clock.advance(LEASE)
    mailing.send_due(house)
    assert len(mail_server.received) == 1
    assert the_mail(house).sent_at is not None


# A worker as an operator runs it, with the test's clock.
WORKER = f"""
import dataclasses, datetime, time
from app.jobs.mail import MAIL
from app.jobs.worker import Worker
from app.settings import Settings
from app.wiring import open_house
clock = lambda: datetime.datetime.fromisoformat({MONDAY.isoformat()!r})
house = dataclasses.replace(open_house(Settings.from_env()), clock=clock)
Worker(house, [MAIL]).start()
time.sleep(600)
"""


def kill_worker(mail_server: MailServer, environ: dict[str, str], *, answer: str) -> None:
    """Start a worker, and kill it while the server has its mail and has not answered yet."""
    mail_server.answer = answer
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", WORKER],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=ROOT,
    )
    mail_server.on_data = lambda: process.send_signal(signal.SIGKILL)
    try:
        assert mail_server.came.wait(PATIENCE_SECONDS)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    mail_server.on_data = None


def test_addresses_are_forgotten_thirty_days_after_sending(
    house: House, clock: SettableClock
) -> None:
    with house.database.writing() as session:
        subscription = a_subscription(session, a_course(session), a_listener(session))
        notice = outbox.Notice(
            name="welcome:1",
            template="welcome",
            language="nl",
            address="ben@example.org",
            subscription_id=subscription.id,
            ids={"lessons": "1"},
        )
        outbox.put(session, notice, host="h", now=MONDAY)
    mailing.send_due(house)
    clock.advance(timedelta(days=30))
    mailing.forget_old(house)
    assert the_mail(house).address is not None
    clock.advance(timedelta(seconds=1))
    mailing.forget_old(house)
    assert (the_mail(house).address, the_mail(house).ids) == (None, {})


def test_sign_up_that_was_not_confirmed_is_gone_after_seven_days(
    house: House, sign_up: Callable[[str], None], clock: SettableClock
) -> None:
    sign_up("kim@example.org")
    mailing.send_due(house)
    clock.advance(timedelta(days=7, seconds=-1))
    mailing.forget_old(house)
    assert count(house, Confirmation) == 1
    clock.advance(timedelta(seconds=1))
    mailing.forget_old(house)
    assert (count(house, Confirmation), count(house, OutboxMail), count(house, LimitCount)) == (
        0,
        0,
        0,
    )


def test_who_stopped_the_mails_gets_no_news(house: House, mail_server: MailServer) -> None:
    put_news(house, mail_stopped_at=MONDAY)
    mailing.send_due(house)
    assert mail_server.received == []
    assert the_mail(house).failed_at == MONDAY


def test_who_left_gets_no_news(house: House, mail_server: MailServer) -> None:
    put_news(house, ended_at=MONDAY, end_reason="left")
    mailing.send_due(house)
    assert mail_server.received == []


def put_news(house: House, **more: Any) -> None:
    with house.database.writing() as session:
        subscription = a_subscription(session, a_course(session), **more)
        notice = outbox.Notice(
            name="news",
            template="welcome",
            language="nl",
            address="ben@example.org",
            subscription_id=subscription.id,
        )
        outbox.put(session, notice, host="h", now=MONDAY)


def test_reset_link_is_not_sent_once_the_password_was_changed(
    house: House, mail_server: MailServer
) -> None:
    with house.database.writing() as session:
        account = an_account(session, session_epoch=2)
        notice = outbox.Notice(
            name="reset",
            template="password_reset",
            language="en",
            address=account.email,
            account_id=account.id,
            ids={"session_epoch": 1},
        )
        outbox.put(session, notice, host="h", now=MONDAY)
    mailing.send_due(house)
    assert mail_server.received == []


def test_link_asked_for_by_a_stranger_leaves_no_trace(
    house: House, mail_server: MailServer
) -> None:
    asked = signup.LinkAsked(address=parse_address("nobody@example.org"), language="nl")
    with house.database.writing() as session:
        signup.ask_link(session, asked, network="n", host="h", now=MONDAY)
    mailing.send_due(house)
    assert mail_server.received == []
    assert count(house, OutboxMail) == 0


def test_same_notice_is_written_once(house: House) -> None:
    with house.database.writing() as session:
        notice = outbox.Notice(name="once", template="x", language="nl", address="x@y.example")
        assert outbox.put(session, notice, host="h", now=MONDAY) is not None
        assert outbox.put(session, notice, host="h", now=MONDAY) is None


def count(house: House, model: type) -> int:
    with house.database.reading() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_many_notices_at_once_are_new_ones_only(house: House) -> None:
    with house.database.writing() as session:
        account = an_account(session)
        notices = [
            outbox.Notice(
                name=f"news:{number}",
                template="test",
                language="en",
                address=account.email,
                account_id=account.id,
            )
            for number in range(3)
        ]
        first = outbox.put(session, notices[1], host="cursus.example", now=MONDAY)
        new = outbox.put_many(session, notices, host="cursus.example", now=MONDAY)
        again = outbox.put_many(session, notices, host="cursus.example", now=MONDAY)
        rows = session.scalars(select(OutboxMail).order_by(OutboxMail.notice)).all()
    assert first is not None
    assert list(new) == ["news:0", "news:2"]
    assert again == {}
    assert [row.notice for row in rows] == ["news:0", "news:1", "news:2"]
    assert new["news:2"] == rows[2].id
    assert rows[0].attempts == 0
    assert len({row.message_id for row in rows}) == 3
