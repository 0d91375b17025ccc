"""What each notice in the outbox says, from what stands in the tables when it is sent.

Here, and not where somebody asks, it is decided whether an address is known: what the one who asks
sees is the same either way.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import Account, Confirmation, Course, Lesson, Listener, OutboxMail, Subscription
from app.kinds import LessonState
from app.mail.letters import Letter
from app.policy import may_sign_up
from app.services import (
    change_letters,
    course_letters,
    erasures,
    owner_lines,
    samples,
    signup,
    subscriptions,
    suppressions,
)
from app.services.email_addresses import AddressInvalid, parse_address
from app.services.letter_parts import (
    Desk,
    NotWanted,
    Writer,
    beats_of,
    find_listener,
    progress_of,
    stop_url,
)
from app.services.links import Purpose
from app.words import catalogue

# More dates than this make a mail longer, not clearer.
MAX_UPCOMING: Final = 12


def write(session: Session, mail: OutboxMail, *, desk: Desk, now: datetime) -> Letter:
    """Answer the letter for a notice.

    Raises:
        NotWanted: its subscription ended, its link was used, nobody has that address.
    """
    letter = WRITERS[mail.template](session, mail, desk, now)
    return owner_lines.add(session, letter, mail)


def _confirm(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    confirmation = session.get(Confirmation, mail.confirmation_id)
    if confirmation is None or confirmation.used_at or now >= confirmation.expires_at:
        raise NotWanted("the sign-up was confirmed or is gone")
    course = session.get_one(Course, confirmation.course_id)
    listener = find_listener(session, confirmation.email_key)
    alive = signup.find_alive(session, listener.id, course.id) if listener else None
    # Who complained must press *Confirm* to have mail again: opening a link is no yes.
    if listener and alive and not suppressions.refused_herself(session, listener.email_key):
        return _link_letter(session, listener, alive, desk, now)
    if not may_sign_up(course.state):
        raise NotWanted("the course has closed")
    return Letter(
        template="confirm",
        language=confirmation.language,
        # Two spellings of one key might be two mailboxes: what is known of her counts.
        address=listener.email if listener else str(confirmation.email),
        unsubscribe_url=desk.url("/my/unsubscribe", Purpose.FORGET, confirmation.id, now),
        values={
            "url": desk.url("/my/confirm", Purpose.CONFIRM, confirmation.id, now),
            "course_title": course.title,
            **_first_beats(session, course, confirmation.language),
        },
    )


def _sign_in(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    try:
        key = parse_address(mail.address or "").key
    except AddressInvalid as error:
        raise NotWanted("no address", leaves_no_trace=True) from error
    listener = find_listener(session, key)
    own = subscriptions.of_listener(session, listener.id) if listener else ()
    if listener is None or not own:
        raise NotWanted("nobody has that address", leaves_no_trace=True)
    letter = _link_letter(session, listener, own[0], desk, now)
    if back_to := mail.ids.get("back_to"):
        values = {**letter.values, "url": f"{letter.values['url']}?to={back_to}"}
        return replace(letter, values=values)
    return letter


def _link_letter(
    session: Session, listener: Listener, subscription: Subscription, desk: Desk, now: datetime
) -> Letter:
    shown = progress_of(session, subscription, now)
    return Letter(
        template="sign_in",
        language=subscription.language,
        address=listener.email,
        unsubscribe_url=stop_url(desk, subscription, now),
        values={
            "url": desk.url("/my/open", Purpose.SIGN_IN, subscription.id, now),
            "name": listener.name,
            **beats_of(shown, subscription.language),
        },
    )


def _password_reset(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    account = session.get(Account, mail.account_id) if mail.account_id else None
    epoch = int(mail.ids.get("session_epoch", 0))
    if account is None or account.disabled_at or account.session_epoch != epoch:
        raise NotWanted("nobody has an account there, or the password was changed meanwhile")
    return Letter(
        template="password_reset",
        language=account.language,
        address=account.email,
        unsubscribe_url=None,
        values={
            "url": desk.url(
                "/sign-in/new-password", Purpose.PASSWORD_RESET, account.id, now, epoch
            ),
            "base_url": desk.base_url,
        },
    )


def _erasure_asked(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    listener = session.get(Listener, mail.listener_id)
    erasure = erasures.find(session, listener.id) if listener else None
    if listener is None or erasure is None:
        raise NotWanted("she thought again")
    return Letter(
        template="erasure_asked",
        language=erasure.language,
        address=listener.email,
        unsubscribe_url=None,
        values={
            "url": desk.url("/my/keep", Purpose.KEEP, listener.id, now),
            "name": listener.name,
            "due_at": erasure.due_at,
            "zone": subscriptions.zone_of(session, listener.id),
        },
    )


def _erased(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """The last word: nothing of hers stands in the tables but the address of this very mail."""
    del session, now
    return Letter(
        template="erased",
        language=mail.language,
        address=str(mail.address),
        unsubscribe_url=None,
        values={"url": desk.base_url},
    )


WRITERS: Final[Mapping[str, Writer]] = {
    "confirm": _confirm,
    "sign_in": _sign_in,
    "password_reset": _password_reset,
    "erasure_asked": _erasure_asked,
    "erased": _erased,
    **change_letters.WRITERS,
    **course_letters.WRITERS,
    **samples.WRITERS,
}


def _first_beats(session: Session, course: Course, language: str) -> dict[str, object]:
    """The row of a course of which nothing is hers yet."""
    published = select(func.count()).where(
        Lesson.course_id == course.id, Lesson.state == LessonState.PUBLISHED
    )
    count = session.scalars(published).one()
    words = catalogue(language)
    label = words.ngettext("%(num)s lesson", "%(num)s lessons", count) % {"num": count}
    return {"beats": ["next", *["locked"] * (count - 1)], "beats_label": label}
