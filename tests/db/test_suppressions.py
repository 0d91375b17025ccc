"""Addresses that take no mail: what stops, what still goes, what lifts it; on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.models import Confirmation, Listener, OutboxMail, Subscription, Suppression
from app.house import House
from app.kinds import SuppressionReason
from app.services import email_changes, mailing, outbox, signup, suppressions
from app.services.addresses import FeedAddresses
from app.services.email_addresses import parse_address
from app.services.links import OpenedLink
from app.services.signup import LinkAsked, Press, SignUp
from app.services.suppressions import ONE_CONFIRM_IN, BounceOnly, Trouble
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import MONDAY, SettableClock, environ_on
from tests.parts.smtp import MailServer

BEN = "ben@example.org"


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAIL": mail_server.url,
    }


@pytest.fixture
def ben(house: House) -> Subscription:
    with house.database.writing() as session:
        return a_subscription(session, a_course(session), a_listener(session, email=BEN))


def suppress(house: House, reason: SuppressionReason, **more: Any) -> bool:
    with house.database.writing() as session:
        trouble = Trouble(email_key=BEN, reason=reason, source="test", **more)
        return suppressions.suppress(session, trouble, now=house.clock())


def put_news(house: House, ben: Subscription, name: str = "news") -> None:
    with house.database.writing() as session:
        notice = outbox.Notice(
            name=name, template="welcome", language="nl", address=BEN, subscription_id=ben.id
        )
        outbox.put(session, notice, host="h", now=house.clock())


def ask(house: House, course_id: int) -> None:
    asked = SignUp(
        course_id=course_id, name="Ben", address=parse_address(BEN), language="nl", zone=None
    )
    with house.database.writing() as session:
        signup.ask(session, asked, network="n", host="h", now=house.clock())


def press(house: House) -> None:
    with house.database.writing() as session:
        waiting = session.scalars(
            select(Confirmation.id).where(Confirmation.used_at.is_(None))
        ).first()
        assert waiting is not None
        signup.confirm(
            session,
            Press(confirmation_id=waiting, zone=None),
            addresses=FeedAddresses(
                keys=house.settings.feed_keys, base_url=house.settings.base_url
            ),
            host="h",
            now=house.clock(),
        )


def held(house: House) -> Suppression | None:
    with house.database.reading() as session:
        return suppressions.find(session, BEN)


def newest(house: House) -> OutboxMail:
    with house.database.reading() as session:
        return session.scalars(
            select(OutboxMail).order_by(OutboxMail.id.desc())
        ).first() or pytest.fail("no mail")


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_suppressed_address_gets_no_news(
    house: House, ben: Subscription, mail_server: MailServer, reason: SuppressionReason
) -> None:
    suppress(house, reason)
    put_news(house, ben)
    mailing.send_due(house)
    mail = newest(house)
    assert mail_server.received == []
    assert (mail.failed_at, mail.address) == (MONDAY, None)
    assert mail.last_error == suppressions.WHY[reason]


def test_recipient_refused_for_good_is_suppressed(
    house: House, ben: Subscription, mail_server: MailServer
) -> None:
    mail_server.answer_to[BEN] = "550 5.1.1 <ben@example.org>: nobody here"
    put_news(house, ben)
    mailing.send_due(house)
    found = held(house)
    assert found is not None
    assert (found.reason, found.diagnostic) == (SuppressionReason.REFUSED, "550 5.1.1")


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.7.1 you are on a list",
        "552 5.2.2 mailbox full",
        "530 sign in first",
        "451 4.2.1 busy",
    ],
)
def test_refusal_that_is_not_about_her_suppresses_nobody(
    house: House, ben: Subscription, mail_server: MailServer, answer: str
) -> None:
    mail_server.answer_to[BEN] = answer
    put_news(house, ben)
    mailing.send_due(house)
    assert held(house) is None


def test_refusal_of_the_content_suppresses_nobody(
    house: House, ben: Subscription, mail_server: MailServer
) -> None:
    mail_server.answer = "554 5.6.0 odd letters"
    put_news(house, ben)
    mailing.send_due(house)
    assert newest(house).failed_at is not None
    assert held(house) is None


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("reason", [SuppressionReason.HARD_BOUNCE, SuppressionReason.REFUSED])
def test_mail_she_asks_for_still_goes_after_a_bounce(
    house: House, mail_server: MailServer, reason: SuppressionReason
) -> None:
    suppress(house, reason)
    with house.database.writing() as session:
        other = a_course(session)
        asked = LinkAsked(address=parse_address(BEN), language="nl")
        signup.ask_link(session, asked, network="n", host="h", now=MONDAY)
    ask(house, other.id)
    mailing.send_due(house)
    assert len(mail_server.received) == 2


@pytest.mark.usefixtures("ben")
def test_confirming_from_the_mailbox_lifts_a_bounce(house: House) -> None:
    suppress(house, SuppressionReason.HARD_BOUNCE)
    with house.database.writing() as session:
        other = a_course(session)
    ask(house, other.id)
    press(house)
    assert held(house) is None


@pytest.mark.usefixtures("ben")
def test_late_bounce_of_a_mail_from_before_the_confirmation_does_not_count(
    house: House, clock: SettableClock
) -> None:
    sent_at = clock()
    clock.advance(timedelta(hours=1))
    with house.database.writing() as session:
        other = a_course(session)
    ask(house, other.id)
    press(house)
    confirmed_at = clock()
    clock.advance(timedelta(hours=1))
    assert not suppress(house, SuppressionReason.HARD_BOUNCE, sent_at=sent_at)
    assert not suppress(
        house, SuppressionReason.HARD_BOUNCE, sent_at=confirmed_at - timedelta(seconds=1)
    )
    assert suppress(house, SuppressionReason.HARD_BOUNCE, sent_at=confirmed_at)


def test_complaint_is_not_lifted_by_opening_a_link(
    house: House, ben: Subscription, clock: SettableClock
) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    clock.advance(timedelta(minutes=1))
    with house.database.writing() as session:
        suppressions.answered(session, ben.listener_id, made_at=clock(), now=clock())
    assert held(house) is not None


def test_moving_into_a_mailbox_lifts_its_bounce(
    house: House, ben: Subscription, mail_server: MailServer
) -> None:
    new = "new@example.org"
    with house.database.writing() as session:
        # It bounced when somebody else had it.
        a_listener(session, email=new)
        trouble = Trouble(email_key=new, reason=SuppressionReason.REFUSED, source="test")
        assert suppressions.suppress(session, trouble, now=MONDAY)
        session.delete(session.scalars(select(Listener).where(Listener.email_key == new)).one())
        email_changes.ask(
            session,
            ben.listener_id,
            parse_address(new),
            language="nl",
            network="n",
            host="h",
            now=MONDAY,
        )
    mailing.send_due(house)
    assert {mail.recipients[0] for mail in mail_server.received} == {BEN, new}
    with house.database.writing() as session:
        change = email_changes.find_waiting(session, ben.listener_id, now=MONDAY)
        assert change is not None
        opened = OpenedLink(row_id=change.id, made_at=MONDAY)
        for side in email_changes.Side:
            email_changes.agree(session, opened, side, host="h", now=MONDAY)
        assert suppressions.find(session, new) is None
        assert session.get_one(Listener, ben.listener_id).mail_works_since == MONDAY


@pytest.mark.parametrize(("seconds", "is_lifted"), [(-1, False), (0, True)])
def test_link_mailed_after_a_bounce_lifts_it_and_an_older_one_does_not(
    house: House, ben: Subscription, *, seconds: int, is_lifted: bool
) -> None:
    suppress(house, SuppressionReason.HARD_BOUNCE)
    made_at = MONDAY + timedelta(seconds=seconds)
    with house.database.writing() as session:
        suppressions.answered(session, ben.listener_id, made_at=made_at, now=MONDAY)
    assert (held(house) is None) is is_lifted


def test_who_complained_comes_back_by_signing_up_and_pressing_confirm(
    house: House, ben: Subscription, mail_server: MailServer, clock: SettableClock
) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    # Even in the course that she takes part in: a link alone would be opened by scanners too.
    ask(house, ben.course_id)
    mailing.send_due(house)
    assert b"/my/confirm/" in mail_server.received[0].raw
    clock.advance(timedelta(minutes=5))
    press(house)
    assert held(house) is None


def test_who_complained_is_asked_to_confirm_once_in_thirty_days(
    house: House, ben: Subscription, mail_server: MailServer, clock: SettableClock
) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    for wait, sent in (
        (timedelta(0), 1),
        (timedelta(days=1), 1),
        (ONE_CONFIRM_IN - timedelta(days=1, seconds=1), 1),
        (timedelta(days=1), 2),
    ):
        clock.advance(wait)
        ask(house, ben.course_id)
        mailing.send_due(house)
        assert len(mail_server.received) == sent


def test_second_complaint_does_not_buy_another_confirm_mail(
    house: House, ben: Subscription, mail_server: MailServer, clock: SettableClock
) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    ask(house, ben.course_id)
    mailing.send_due(house)
    clock.advance(timedelta(days=1))
    suppress(house, SuppressionReason.COMPLAINT)
    ask(house, ben.course_id)
    mailing.send_due(house)
    assert len(mail_server.received) == 1


@pytest.mark.usefixtures("ben")
def test_bounce_does_not_weaken_a_complaint(house: House) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    assert not suppress(house, SuppressionReason.HARD_BOUNCE)
    found = held(house)
    assert found is not None
    assert found.reason is SuppressionReason.COMPLAINT


@pytest.mark.usefixtures("ben")
def test_complaint_overrules_a_bounce(house: House) -> None:
    suppress(house, SuppressionReason.HARD_BOUNCE)
    assert suppress(house, SuppressionReason.COMPLAINT)
    found = held(house)
    assert found is not None
    assert found.reason is SuppressionReason.COMPLAINT


def test_address_that_nobody_here_has_is_not_written_down(house: House) -> None:
    assert not suppress(house, SuppressionReason.HARD_BOUNCE)
    assert held(house) is None


def test_owner_lifts_a_bounce_and_its_late_echo_does_not_count(
    house: House, ben: Subscription, clock: SettableClock
) -> None:
    suppress(house, SuppressionReason.HARD_BOUNCE)
    clock.advance(timedelta(minutes=1))
    with house.database.writing() as session:
        assert suppressions.lift_bounce(session, ben.listener_id, now=clock())
    assert held(house) is None
    assert not suppress(house, SuppressionReason.HARD_BOUNCE, sent_at=MONDAY)


def test_owner_cannot_lift_a_complaint(house: House, ben: Subscription) -> None:
    suppress(house, SuppressionReason.COMPLAINT)
    with pytest.raises(BounceOnly), house.database.writing() as session:
        suppressions.lift_bounce(session, ben.listener_id, now=MONDAY)
    assert held(house) is not None


def test_bounced_address_is_forgotten_when_nobody_here_has_it(
    house: House, ben: Subscription
) -> None:
    suppress(house, SuppressionReason.HARD_BOUNCE)
    mailing.forget_old(house)
    assert held(house) is not None
    with house.database.writing() as session:
        session.delete(session.get_one(Subscription, ben.id))
        session.flush()
        session.delete(session.get_one(Listener, ben.listener_id))
    mailing.forget_old(house)
    assert held(house) is None


def test_row_of_a_sent_mail_has_the_address_it_went_to(house: House, ben: Subscription) -> None:
    put_news(house, ben)
    with house.database.writing() as session:
        listener = session.get_one(Listener, ben.listener_id)
        listener.email, listener.email_key = "Ben@new.example", "ben@new.example"
    mailing.send_due(house)
    assert newest(house).address == "Ben@new.example"
