"""Her pace: every so many days, or a weekday and an hour; her zone; the next lesson now."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flask import flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response

from app.db.models import Lesson
from app.errors import NotFound
from app.policy import Access
from app.services import lives, paces, subscriptions, unlocks
from app.services.paces import MayNotHurry, Wish
from app.services.unlocks import Plan
from app.web import access
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import host
from app.web.my import changing
from app.web.my.changing import Question
from app.web.my.course import own_plan
from app.web.my.face import SEE_OTHER, UNPROCESSABLE, my, speak_as
from app.web.rhythm_forms import hour_choices, read_rhythm, weekday_choices, zone_choices
from app.web.rhythms import say_rhythm
from feeds.lives import settled, with_lesson_now

# Beside the kinds of rhythm that are hers to choose.
COURSES_OWN: Final = "course"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceForm:
    """What was typed; `wish` None: something is wrong, `errors` says what."""

    values: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    wish: Wish | None = None


@my.get("/my/course/<uuid:public_id>/pace")
@access.for_(Access.LISTENER)
def pace_page(public_id: uuid.UUID) -> Response | str:
    """Ask which pace; once she has said so, show what it means."""
    with house().database.reading() as rows:
        plan = _paced_plan(rows, public_id)
        speak_as(plan.subscription)
        if "rhythm" not in request.args:
            return _page(plan, PaceForm(values=_as_it_stands(plan)))
        form = parse(request.args)
        if form.wish is None:
            return make_response(_page(plan, form), UNPROCESSABLE)
        shown = changing.moves_of(rows, plan, paces.with_wish(plan, form.wish, now()))
    return changing.ask(plan, _question(plan, form, form.wish), shown)


@my.post("/my/course/<uuid:public_id>/pace")
@access.for_(Access.LISTENER)
def set_pace(public_id: uuid.UUID) -> Response:
    """Set it."""
    form = parse(request.form)
    with house().database.writing() as rows:
        plan = _paced_plan(rows, public_id)
        speak_as(plan.subscription)
        if form.wish is None:
            return make_response(_page(plan, form), UNPROCESSABLE)
        paces.set_pace(rows, plan.subscription.id, form.wish, host=host(), now=now())
    return changing.done(plan, _("Your pace is changed."))


@my.get("/my/course/<uuid:public_id>/next-lesson")
@access.for_(Access.LISTENER)
def hurry_page(public_id: uuid.UUID) -> str:
    """Show what having the next lesson now means."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
        lesson_id = paces.hurry_of(rows, plan, now()).lesson_id
        if lesson_id is None:
            raise MayNotHurry(plan.subscription.id)
        title = rows.get_one(Lesson, lesson_id).title
        life = settled(plan.life, plan.lessons, now())
        shown = changing.moves_of(rows, plan, with_lesson_now(life, lesson_id, now()))
    speak_as(plan.subscription)
    question = Question(
        title=_("Have %(title)s now?", title=title),
        label=_("Have it now"),
        meanings=(_("The lessons after it keep their dates."),) if len(shown) > 1 else (),
        note=_("You can do this once a day."),
    )
    return changing.ask(plan, question, shown)


@my.post("/my/course/<uuid:public_id>/next-lesson")
@access.for_(Access.LISTENER)
def hurry(public_id: uuid.UUID) -> Response:
    """Let it come."""
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        lesson_id = paces.hurry(rows, plan.subscription.id, host=host(), now=now())
        title = rows.get_one(Lesson, lesson_id).title
    speak_as(plan.subscription)
    return changing.done(plan, _("%(title)s is yours now.", title=title))


def parse(typed: Mapping[str, str]) -> PaceForm:
    """Read the form of a pace."""
    values, errors = dict(typed), dict[str, str]()
    if values.get("zone", "") not in dict(zone_choices()):
        errors["zone"] = _("Choose a time zone.")
    rhythm = None if values.get("rhythm") == COURSES_OWN else read_rhythm(values, errors)
    if rhythm is not None and rhythm.kind not in paces.OWN_KINDS and not errors:
        errors["rhythm"] = _("Choose when lessons come.")
    if errors:
        return PaceForm(values=values, errors=errors)
    return PaceForm(values=values, wish=Wish(rhythm=rhythm, zone=values["zone"]))


def _paced_plan(rows: Session, public_id: uuid.UUID) -> Plan:
    """Answer a plan of hers whose pace can change.

    Raises:
        NotFound: the course comes all at once, or on dates of its owner.
    """
    plan = own_plan(rows, public_id)
    lives.refuse_ended(plan.subscription)
    if not paces.is_paced(plan):
        raise NotFound(public_id)
    return plan


def _as_it_stands(plan: Plan) -> dict[str, str]:
    subscription, rhythm = plan.subscription, plan.life.rhythm
    return {
        "rhythm": (subscription.pace_kind or COURSES_OWN),
        "every_days": str(rhythm.every_days or 7),
        "weekday": "" if rhythm.weekday is None else str(rhythm.weekday),
        "hour": "" if rhythm.hour is None else str(rhythm.hour),
        "zone": subscription.zone,
    }


def _question(plan: Plan, form: PaceForm, wish: Wish) -> Question:
    rhythm = wish.rhythm or unlocks.course_rhythm(plan.course)
    meanings = [_("From now on: %(rhythm)s.", rhythm=say_rhythm(rhythm))]
    if wish.zone != plan.subscription.zone:
        meanings.append(_("On the clock of %(zone)s.", zone=wish.zone.replace("_", " ")))
    names = ("rhythm", "every_days", "weekday", "hour", "zone")
    return Question(
        title=_("Change your pace?"),
        label=_("Change my pace"),
        meanings=meanings,
        fields={name: form.values.get(name, "") for name in names},
    )


def _page(plan: Plan, form: PaceForm) -> str:
    return render_template(
        "public/my_pace.html",
        course_title=plan.course.title,
        courses_own=say_rhythm(unlocks.course_rhythm(plan.course)),
        values=form.values,
        errors=form.errors,
        zones=zone_choices(),
        weekdays=weekday_choices(),
        hours=hour_choices(),
        form_url=url_for("my.pace_page", public_id=plan.subscription.public_id),
        back_url=changing.url_of(plan),
    )


@my.errorhandler(MayNotHurry)
def _not_now(error: MayNotHurry) -> Response:
    """Say so on the page of the course, where the way to it is no longer shown."""
    with house().database.reading() as rows:
        subscription = subscriptions.get(rows, error.subscription_id)
    speak_as(subscription)
    flash(_("That does not go now: you had one today, or the course does not allow it."), "warn")
    url = url_for("my.course_page", public_id=subscription.public_id)
    return redirect(url, SEE_OTHER)
