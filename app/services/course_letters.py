"""Letters about a course: welcome, a lesson is there, not in an app yet, complete, farewell."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.db.models import Listener, OutboxMail, Subscription
from app.mail.letters import Letter
from app.services import positions, progress
from app.services.letter_parts import (
    Desk,
    NotWanted,
    Writer,
    beats_of,
    news_letter,
    progress_of,
)
from app.services.progress import LessonStep, Progress
from app.words import say_length

# More dates than this make a mail longer, not clearer.
MAX_UPCOMING: Final = 12
# A course of two or three lessons has no half that is worth a word.
HALFWAY_FROM: Final = 4


def _welcome(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    subscription, listener = _reader(session, mail)
    shown = progress_of(session, subscription, now)
    upcoming = sorted(
        (step for step in shown.steps if step.unlocks_at),
        key=lambda step: (step.unlocks_at, step.number),
    )
    return news_letter(
        "welcome",
        subscription,
        listener,
        desk=desk,
        now=now,
        values={
            **_about(shown, subscription),
            "lessons": [line_of(step) for step in shown.unlocked],
            "upcoming": [
                {"title": step.lesson.title, "at": step.unlocks_at}
                for step in upcoming[:MAX_UPCOMING]
            ],
            "is_more": len(upcoming) > MAX_UPCOMING,
            "my_url": desk.my_url,
        },
    )


def _lesson_unlocked(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """A lesson is there, or several. `ids`: lessons, their ids with commas between."""
    subscription, listener = _reader(session, mail)
    wanted = {int(number) for number in str(mail.ids.get("lessons", "")).split(",") if number}
    shown = progress_of(session, subscription, now)
    news = [step for step in shown.unlocked if step.lesson.id in wanted and step.recording]
    if not news:
        raise NotWanted("its lessons were removed")
    return news_letter(
        "lesson_unlocked",
        subscription,
        listener,
        desk=desk,
        now=now,
        values={
            **_about(shown, subscription),
            "lessons": [line_of(step) for step in news],
            "is_complete": shown.state is progress.State.COMPLETE,
            "is_halfway": is_halfway(shown, len(news)),
            "next_at": shown.next_at,
        },
    )


def _nudge(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """She signed up, and no app of hers ever asked for the course."""
    subscription, listener = _reader(session, mail)
    if subscription.last_fetch_at or positions.has_listened(session, subscription.id):
        raise NotWanted("she put it to use meanwhile")
    shown = progress_of(session, subscription, now)
    values = {**_about(shown, subscription), "my_url": desk.my_url}
    return news_letter("nudge", subscription, listener, desk=desk, now=now, values=values)


def _complete(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    subscription, listener = _reader(session, mail)
    shown = progress_of(session, subscription, now)
    if shown.state is not progress.State.COMPLETE:
        raise NotWanted("more lessons come after all")
    values = {
        **_about(shown, subscription),
        "next_title": shown.course.next_title,
        "next_url": shown.course.next_url,
    }
    return news_letter("complete", subscription, listener, desk=desk, now=now, values=values)


def _left(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """The last word to who left; what she has keeps playing."""
    subscription = session.get(Subscription, mail.subscription_id)
    if subscription is None or subscription.ended_at is None or subscription.mail_stopped_at:
        raise NotWanted("she stopped these mails")
    listener = session.get_one(Listener, subscription.listener_id)
    shown = progress_of(session, subscription, now)
    values = {
        **_about(shown, subscription),
        "course_url": f"{desk.base_url}/{shown.course.slug}",
    }
    return news_letter("left", subscription, listener, desk=desk, now=now, values=values)


def _leak(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """Her address may be in other hands. `ids`: step (tell, offer or pause)."""
    subscription, listener = _reader(session, mail)
    shown = progress_of(session, subscription, now)
    values = {**_about(shown, subscription), "step": str(mail.ids.get("step", "tell"))}
    return news_letter("leak", subscription, listener, desk=desk, now=now, values=values)


WRITERS: Final[Mapping[str, Writer]] = {
    "welcome": _welcome,
    "lesson_unlocked": _lesson_unlocked,
    "nudge": _nudge,
    "complete": _complete,
    "left": _left,
    "leak": _leak,
}


def is_halfway(shown: Progress, fresh: int) -> bool:
    """Tell whether the last `fresh` lessons brought her over the half of the course."""
    total, count = len(shown.steps), len(shown.unlocked)
    half = (total + 1) // 2
    return total >= HALFWAY_FROM and count - fresh < half <= count < total


def line_of(step: LessonStep) -> dict[str, object]:
    """Answer what a mail says of one lesson."""
    milliseconds = step.recording.duration_ms if step.recording else None
    return {
        "number": step.number,
        "title": step.lesson.title,
        "minutes": say_length(milliseconds) if milliseconds else None,
    }


def _about(shown: Progress, subscription: Subscription) -> dict[str, object]:
    return {
        "course_title": shown.course.title,
        "zone": shown.zone,
        **beats_of(shown, subscription.language),
    }


def _reader(session: Session, mail: OutboxMail) -> tuple[Subscription, Listener]:
    subscription = session.get(Subscription, mail.subscription_id)
    if subscription is None or subscription.ended_at or subscription.mail_stopped_at:
        raise NotWanted("she left, or stopped these mails")
    return subscription, session.get_one(Listener, subscription.listener_id)
