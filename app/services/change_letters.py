"""Letters about what a listener changed: her pace, her feed address, her mailbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.db.models import Account, Course, EmailChange, Listener, OutboxMail, Subscription
from app.mail.letters import Letter
from app.services import pauses, subscriptions, vouching
from app.services.letter_parts import (
    Desk,
    NotWanted,
    Writer,
    beats_of,
    find_listener,
    news_letter,
    progress_of,
)
from app.services.links import Purpose


def _paused(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    subscription, listener = _reader(session, mail)
    _refuse_stopped(subscription)
    running = pauses.find_running(
        session, subscription.id, pauses.today_of(session, subscription.id, now)
    )
    if running is None:
        raise NotWanted("she has gone on already")
    until = {"until": running.ends_on}
    return _letter("paused", subscription, listener, desk=desk, now=now, session=session, **until)


def _resumed(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    subscription, listener = _reader(session, mail)
    _refuse_stopped(subscription)
    today = pauses.today_of(session, subscription.id, now)
    if pauses.find_running(session, subscription.id, today) is not None:
        raise NotWanted("she has paused again")
    return _letter("resumed", subscription, listener, desk=desk, now=now, session=session)


def _restarted(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    # Without it she does not find her new address: so it goes out whatever mail she stopped.
    subscription, listener = _reader(session, mail)
    return _letter("restarted", subscription, listener, desk=desk, now=now, session=session)


def _address_changed(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    # As above, and because somebody else might have asked for it.
    subscription, listener = _reader(session, mail)
    return _letter("address_changed", subscription, listener, desk=desk, now=now, session=session)


def _email_change(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """Ask one of the two mailboxes. The new one may be a stranger's: it reads no word of hers."""
    change = session.get(EmailChange, mail.ids.get("change", 0))
    if change is None or now >= change.expires_at or change.listener_id != mail.listener_id:
        raise NotWanted("the change was made, or is gone")
    is_new = bool(mail.ids.get("is_new"))
    if is_new and find_listener(session, change.email_key) is not None:
        raise NotWanted("somebody has that address")
    listener = session.get_one(Listener, change.listener_id)
    purpose = Purpose.NEW_EMAIL if is_new else Purpose.OLD_EMAIL
    path = "/my/email/new" if is_new else "/my/email/old"
    return Letter(
        template="email_change",
        language=mail.language,
        address=change.email if is_new else listener.email,
        unsubscribe_url=None,
        values={
            "url": desk.url(path, purpose, change.id, change.created_at),
            "is_new": is_new,
            "name": "" if is_new else listener.name,
            "email": change.email,
            "course_title": _course_title(session, mail),
            "my_url": desk.my_url,
        },
    )


def _email_move(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """Tell the old mailbox that an owner asked for another; that one's address stands nowhere here.

    `ids`: change, course.
    """
    change = session.get(EmailChange, mail.ids.get("change", 0))
    if change is None or now >= change.expires_at or change.listener_id != mail.listener_id:
        raise NotWanted("the change was made, or is gone")
    listener = session.get_one(Listener, change.listener_id)
    account = session.get(Account, change.account_id)
    settled_at = vouching.settled_at(session, change)
    return Letter(
        template="email_move",
        language=mail.language,
        address=listener.email,
        unsubscribe_url=None,
        values={
            "url": desk.url("/my/email/old", Purpose.OLD_EMAIL, change.id, change.created_at),
            "name": listener.name,
            "asked_by": account.name if account else "",
            "course_title": _course_title(session, mail),
            "changes_at": settled_at,
            "zone": subscriptions.zone_of(session, listener.id),
        },
    )


def _email_changed(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """Tell the mailbox of before, so that nobody loses hers without a word."""
    del now
    if mail.address is None or session.get(Listener, mail.listener_id) is None:
        raise NotWanted("she was erased")
    return Letter(
        template="email_changed",
        language=mail.language,
        address=mail.address,
        unsubscribe_url=None,
        values={"url": desk.my_url, "by_owner": bool(mail.ids.get("by_owner"))},
    )


WRITERS: Final[Mapping[str, Writer]] = {
    "paused": _paused,
    "resumed": _resumed,
    "restarted": _restarted,
    "address_changed": _address_changed,
    "email_change": _email_change,
    "email_move": _email_move,
    "email_changed": _email_changed,
}


def _course_title(session: Session, mail: OutboxMail) -> str:
    """Answer the title of the course whose owner asked; "": she asked herself."""
    course = session.get(Course, mail.ids.get("course", 0))
    return course.title if course else ""


def _reader(session: Session, mail: OutboxMail) -> tuple[Subscription, Listener]:
    subscription = session.get(Subscription, mail.subscription_id)
    if subscription is None or subscription.ended_at is not None:
        raise NotWanted("she left")
    return subscription, session.get_one(Listener, subscription.listener_id)


def _refuse_stopped(subscription: Subscription) -> None:
    if subscription.mail_stopped_at is not None:
        raise NotWanted("she stopped these mails")


def _letter(  # noqa: PLR0913 (as news_letter)
    template: str,
    subscription: Subscription,
    listener: Listener,
    *,
    session: Session,
    desk: Desk,
    now: datetime,
    **more: object,
) -> Letter:
    shown = progress_of(session, subscription, now)
    values = {
        "course_title": shown.course.title,
        "next_at": shown.next_at,
        "zone": shown.zone,
        **beats_of(shown, subscription.language),
        **more,
    }
    return news_letter(template, subscription, listener, desk=desk, now=now, values=values)
