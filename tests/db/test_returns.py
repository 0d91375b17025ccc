"""Mail that came back, from mailbox to suppression; on both databases and real mailboxes."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Listener, OutboxMail, Subscription, Suppression
from app.house import House
from app.jobs.returns import read_returns
from app.kinds import SuppressionReason
from app.services import hooks, mailing, outbox
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import SettableClock, environ_on
from tests.parts.returned import a_bounce, a_complaint, an_auto_reply
from tests.parts.smtp import MailServer

BEN = "ben@example.org"


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
        "CADANS_BOUNCES": f"maildir:{tmp_path / 'returned'}",
        "CADANS_BOUNCE_ADDRESS": "bounces+*@example.org",
    }


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "returned" / name).mkdir(parents=True)
    return tmp_path / "returned"


@pytest.fixture
def mail(house: House) -> OutboxMail:
    """A mail to Ben that was sent."""
    with house.database.writing() as session:
        ben = a_subscription(session, a_course(session), a_listener(session, email=BEN))
        notice = outbox.Notice(
            name="news", template="welcome", language="nl", address=BEN, subscription_id=ben.id
        )
        outbox.put(session, notice, host="h", now=house.clock())
    mailing.send_due(house)
    with house.database.reading() as session:
        return session.scalars(select(OutboxMail)).one()


def arrive(box: Path, raw: bytes, name: str = "1.M1P1.host") -> None:
    (box / "new" / name).write_bytes(raw)


def held(house: House) -> list[Suppression]:
    with house.database.reading() as session:
        return list(session.scalars(select(Suppression)))


def test_hard_bounce_stops_mail_to_the_address(house: House, box: Path, mail: OutboxMail) -> None:
    arrive(box, a_bounce(message_id=mail.message_id))
    assert read_returns(house) == 1
    (found,) = held(house)
    assert (found.email_key, found.reason, found.diagnostic) == (
        BEN,
        SuppressionReason.HARD_BOUNCE,
        "550 5.1.1",
    )


def test_bounce_is_matched_by_the_envelope_it_was_sent_with(
    house: House, box: Path, mail: OutboxMail, mail_server: MailServer
) -> None:
    sender = mail_server.received[0].sender
    assert sender == f"bounces+{mail.message_id[1:33]}@example.org"
    arrive(box, a_bounce(to=sender))
    read_returns(house)
    assert len(held(house)) == 1


def test_complaint_stops_mail_to_the_address(house: House, box: Path, mail: OutboxMail) -> None:
    arrive(box, a_complaint(message_id=mail.message_id))
    read_returns(house)
    (found,) = held(house)
    assert found.reason is SuppressionReason.COMPLAINT


def test_mailbox_behind_a_forward_bounces_and_the_address_we_wrote_to_is_meant(
    house: House, box: Path, mail: OutboxMail
) -> None:
    arrive(box, a_bounce(message_id=mail.message_id, recipient="other@elsewhere.example"))
    read_returns(house)
    assert [found.email_key for found in held(house)] == [BEN]


@pytest.mark.usefixtures("mail")
def test_eve_cannot_stop_bens_mail_by_writing_to_the_mailbox(house: House, box: Path) -> None:
    arrive(box, a_bounce(message_id="<guessed@h>", recipient=BEN))
    read_returns(house)
    assert held(house) == []


@pytest.mark.parametrize(("status", "action"), [("4.4.7", "failed"), ("4.4.1", "delayed")])
def test_passing_trouble_stops_nothing(
    house: House, box: Path, mail: OutboxMail, status: str, action: str
) -> None:
    raw = a_bounce(message_id=mail.message_id, status=status, action=action, diagnostic="smtp; 451")
    arrive(box, raw)
    assert read_returns(house) == 1
    assert held(house) == []


def test_report_is_marked_as_read_and_other_mail_stays_unread(
    house: House, box: Path, mail: OutboxMail
) -> None:
    arrive(box, a_bounce(message_id=mail.message_id), "1.report")
    arrive(box, an_auto_reply(mail.message_id), "2.reply")
    arrive(box, b"\xff\xfe junk", "3.junk")
    assert read_returns(house) == 3
    assert sorted(path.name for path in (box / "cur").iterdir()) == [
        "1.report:2,S",
        "2.reply:2,",
        "3.junk:2,",
    ]
    assert read_returns(house) == 0
    assert len(held(house)) == 1


def test_late_bounce_of_a_mail_from_before_she_confirmed_again_stops_nothing(
    house: House, box: Path, mail: OutboxMail, clock: SettableClock
) -> None:
    clock.advance(timedelta(hours=1))
    with house.database.writing() as session:
        subscription = session.get_one(Subscription, mail.subscription_id)
        listener = a_listener_of(session, subscription)
        listener.mail_works_since = clock()
    arrive(box, a_bounce(message_id=mail.message_id))
    read_returns(house)
    assert held(house) == []


def a_listener_of(session: Session, subscription: Subscription) -> Listener:
    return session.get_one(Listener, subscription.listener_id)


def test_worker_killed_before_the_mark_reads_the_report_again(
    house: House, box: Path, mail: OutboxMail, environ: dict[str, str]
) -> None:
    arrive(box, a_bounce(message_id=mail.message_id))
    script = (
        "import os, signal\n"
        "from app.jobs import returns\n"
        "from app.mail import boxes\n"
        "from app.settings import Settings\n"
        "from app.wiring import open_house\n"
        "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        "boxes.MaildirBox.looked_at = die\n"
        "returns.read_returns(open_house(Settings.from_env()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environ}, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert len(held(house)) == 1
    assert read_returns(house) == 1
    assert len(held(house)) == 1


def test_mailbox_that_is_not_there_is_no_reason_to_stop(house: House) -> None:
    assert read_returns(house) == 0


def test_token_of_a_provider_is_good_once(house: House, clock: SettableClock) -> None:
    for wanted in (True, False):
        with house.database.writing() as session:
            assert hooks.is_first(session, b"t" * 32, now=clock()) is wanted
    clock.advance(hooks.TOKENS_KEPT + timedelta(seconds=1))
    mailing.forget_old(house)
    with house.database.writing() as session:
        assert hooks.is_first(session, b"t" * 32, now=clock())
