"""Pause until a day or until she goes on, and go on."""

import uuid
from datetime import date, timedelta

from flask import make_response, render_template, request, url_for
from werkzeug import Response

from app.policy import Access
from app.services import lives, pauses
from app.services.pauses import UntilUnusable
from app.services.unlocks import Plan
from app.web import access
from app.web.babel import gettext as _
from app.web.babel import say_day
from app.web.current import house, now
from app.web.links import host
from app.web.my import changing
from app.web.my.changing import Question
from app.web.my.course import own_plan
from app.web.my.face import UNPROCESSABLE, my, speak_as
from feeds.lives import find_running, local_day, settled, with_pause, without_pause


@my.get("/my/course/<uuid:public_id>/pause")
@access.for_(Access.LISTENER)
def pause_page(public_id: uuid.UUID) -> Response | str:
    """Ask until when; once she has said so, show what it means."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
        if "until" not in request.args:
            return _form(plan)
        try:
            until = _until(plan, request.args["until"])
        except UntilUnusable as error:
            return make_response(_form(plan, request.args["until"], error), UNPROCESSABLE)
        life = settled(plan.life, plan.lessons, now())
        shown = changing.moves_of(rows, plan, with_pause(life, until, now()))
    return changing.ask(plan, _question(plan, until), shown)


@my.post("/my/course/<uuid:public_id>/pause")
@access.for_(Access.LISTENER)
def pause(public_id: uuid.UUID) -> Response:
    """Pause."""
    typed = request.form.get("until", "")
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
        try:
            until = _until(plan, typed)
        except UntilUnusable as error:
            return make_response(_form(plan, typed, error), UNPROCESSABLE)
        pauses.pause(rows, plan.subscription.id, until=until, host=host(), now=now())
    speak_as(plan.subscription)
    if until is None:
        return changing.done(plan, _("Your course is paused, until you go on."))
    words = _("Your course is paused. Lessons come again from %(day)s.", day=say_day(until))
    return changing.done(plan, words)


@my.get("/my/course/<uuid:public_id>/resume")
@access.for_(Access.LISTENER)
def resume_page(public_id: uuid.UUID) -> Response | str:
    """Show what going on means."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
        life = settled(plan.life, plan.lessons, now())
        shown = changing.moves_of(rows, plan, without_pause(life, now()))
    speak_as(plan.subscription)
    question = Question(title=_("Go on with your lessons?"), label=_("Go on"))
    return changing.ask(plan, question, shown)


@my.post("/my/course/<uuid:public_id>/resume")
@access.for_(Access.LISTENER)
def resume(public_id: uuid.UUID) -> Response:
    """Go on. Who had not paused just goes on."""
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        pauses.resume(rows, plan.subscription.id, host=host(), now=now())
    speak_as(plan.subscription)
    return changing.done(plan, _("Your lessons go on."))


def _until(plan: Plan, typed: str) -> date | None:
    """Read the day; None: none was named, so until she goes on.

    Raises:
        UntilUnusable: what stands there is no day to come.
    """
    if not typed.strip():
        return None
    today = local_day(plan.life, now())
    until = changing.read_day(typed) or today
    pauses.check_until(until, today=today)
    return until


def _question(plan: Plan, until: date | None) -> Question:
    speak_as(plan.subscription)
    fields = {"until": until.isoformat() if until else ""}
    note = _("What you have received keeps playing.")
    if until is None:
        title = _("Pause until you go on?")
        meanings = (_("No new lessons come, until you press Go on."),)
    else:
        title = _("Pause until %(day)s?", day=say_day(until))
        meanings = (_("From that day on, lessons come again."),)
    return Question(title=title, label=_("Pause"), meanings=meanings, fields=fields, note=note)


def _form(plan: Plan, typed: str = "", error: UntilUnusable | None = None) -> str:
    speak_as(plan.subscription)
    today = local_day(plan.life, now())
    running = find_running(plan.life.pauses, today)
    if not typed and running and running.ends_on:
        typed = running.ends_on.isoformat()
    return render_template(
        "public/my_pause.html",
        course_title=plan.course.title,
        is_paused=running is not None,
        until=typed,
        error=_sentence(error) if error else None,
        first_day=(today + timedelta(days=1)).isoformat(),
        last_day=(today + pauses.MAX_PAUSE).isoformat(),
        form_url=url_for("my.pause_page", public_id=plan.subscription.public_id),
        back_url=changing.url_of(plan),
    )


def _sentence(error: UntilUnusable) -> str:
    if error.is_past:
        return _("Choose a day after today, or leave it empty.")
    return _("That is over ten years away. Choose an earlier day, or leave it empty.")
