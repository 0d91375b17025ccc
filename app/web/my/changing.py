"""Before anything changes: a page that says what it means, lesson by lesson, with one button."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask import flash, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug import Response

from app.db.models import Lesson
from app.services.lives import SubscriptionEnded
from app.services.unlocks import Plan
from app.web.babel import far_moment
from app.web.babel import gettext as _
from app.web.current import now
from app.web.my.face import SEE_OTHER, my, reader, speak_as
from feeds.lives import moves, settled
from feeds.rhythm import Life

# More lines than this say nothing more.
MAX_MOVES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a page asks: `meanings` are sentences, `label` is on the button.

    `fields` go along with the button; `note`: what else is to be known, beneath it.
    """

    title: str
    label: str
    meanings: Sequence[str] = ()
    fields: Mapping[str, str] | None = None
    is_danger: bool = False
    note: str = ""


def ask(plan: Plan, question: Question, shown_moves: Sequence[Mapping[str, Any]] = ()) -> str:
    """Answer the page with the button; it posts to the address that it was asked at."""
    speak_as(plan.subscription)
    return render_template(
        "public/my_change.html",
        course_title=plan.course.title,
        question=question,
        moves=shown_moves[:MAX_MOVES],
        is_more=len(shown_moves) > MAX_MOVES,
        back_url=url_of(plan),
    )


def moves_of(rows: Session, plan: Plan, after: Life) -> list[dict[str, Any]]:
    """Answer what a change means for each lesson that is still to come, on her clock."""
    speak_as(plan.subscription)
    before = settled(plan.life, plan.lessons, now())
    found = moves(before, after, plan.lessons, now())
    titles = {
        each.lesson_id: rows.get_one(Lesson, each.lesson_id).title
        for each in found[: MAX_MOVES + 1]
    }
    return [
        {
            "title": titles.get(each.lesson_id, ""),
            "before": _say(plan, each.before),
            "after": _say(plan, each.after),
            "is_same": each.after == each.before,
            "is_now": each.after is not None and each.after <= now(),
        }
        for each in found
    ]


def _say(plan: Plan, instant: datetime | None) -> Markup | None:
    return None if instant is None else far_moment(instant, plan.subscription.zone, now())


def url_of(plan: Plan) -> str:
    """Answer the address of the page of a course of hers."""
    return url_for("my.course_page", public_id=plan.subscription.public_id)


def done(plan: Plan, words: str) -> Response:
    """Go back to the page of the course, which says once what was done."""
    flash(words, "good")
    return redirect(url_of(plan), SEE_OTHER)


def read_day(text: str) -> date | None:
    """Read a day as browsers send it; None: it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


@my.errorhandler(SubscriptionEnded)
def _has_ended(error: SubscriptionEnded) -> Response:
    """Say so on the page of her courses; nothing was changed."""
    del error
    reader()
    flash(_("You no longer follow this course, so there is nothing to change."), "warn")
    return redirect(url_for("my.home"), SEE_OTHER)
