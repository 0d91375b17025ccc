"""What an owner sees of a change that waits until everybody was told: how far, and what comes."""

from dataclasses import dataclass
from typing import assert_never

from babel.numbers import format_decimal
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson
from app.services import plans
from app.services.changes import (
    Change,
    NewDate,
    NewerChange,
    NewOrder,
    NewRhythm,
    Publication,
    Withdrawal,
)
from app.web.babel import current_language, ngettext
from app.web.babel import gettext as _
from app.web.current import now
from app.web.rhythms import say_rhythm

MINUTE_SECONDS = 60
# Under this many seconds they are named, over it only minutes are.
FEW_SECONDS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A pending plan in words. `how_far` is one sentence, `changes` one line each."""

    how_far: str
    changes: tuple[str, ...]


def find_waiting(session: Session, course: Course) -> Waiting | None:
    """Answer what waits in a course, in words; None: nothing does."""
    progress = plans.progress(session, course, now=now())
    if progress is None:
        return None
    lines = [_say_change(session, change) for change in progress.changes]
    return Waiting(
        how_far=_say_progress(progress), changes=tuple(dict.fromkeys(filter(None, lines)))
    )


def _say_progress(progress: plans.Progress) -> str:
    counted = ngettext(
        "%(done)s of %(all)s listener",
        "%(done)s of %(all)s listeners",
        progress.listeners,
        done=_count(progress.done),
        all=_count(progress.listeners),
    )
    if progress.seconds_left is None:
        return str(_("%(counted)s; the worker is about to begin.", counted=counted))
    return str(_("%(counted)s; %(time)s to go.", counted=counted, time=_say(progress.seconds_left)))


def _say(seconds: int) -> str:
    if seconds < FEW_SECONDS:
        return str(ngettext("about %(num)s second", "about %(num)s seconds", max(seconds, 1)))
    minutes = -(-seconds // MINUTE_SECONDS)
    return str(ngettext("about %(num)s minute", "about %(num)s minutes", minutes))


def _say_change(session: Session, change: Change) -> str | None:
    """Say one change; None when the lesson that it is about is gone."""
    match change:
        case NewRhythm(rhythm=rhythm):
            return str(_("The rhythm: %(rhythm)s", rhythm=say_rhythm(rhythm)))
        case NewOrder():
            return str(_("The lessons in another order"))
        case Publication() | Withdrawal() | NewDate():
            lesson = session.get(Lesson, change.lesson_id)
            return None if lesson is None else _say_lesson(change, lesson.title)
        case NewerChange():
            return None
        case _:
            assert_never(change)


def _say_lesson(change: Publication | Withdrawal | NewDate, title: str) -> str:
    if isinstance(change, Publication):
        return str(_("%(name)s is published", name=title))
    if isinstance(change, Withdrawal):
        return str(_("%(name)s is withdrawn", name=title))
    return str(_("%(name)s gets another date", name=title))


def _count(number: int) -> str:
    return str(format_decimal(number, locale=current_language()))
