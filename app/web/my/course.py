"""One course of hers: how far she is, what comes when, and the ways to change it."""

import uuid

from flask import render_template, url_for
from sqlalchemy.orm import Session

from app import consent
from app.db.models import Subscription
from app.policy import Access, may_restart
from app.services import paces, positions, progress, subscriptions, unlocks
from app.services.addresses import FeedAddressNotFound
from app.services.paces import Hurry
from app.services.progress import Progress, State
from app.services.unlocks import Plan
from app.web import access, babel
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import feed_addresses
from app.web.my.face import my, reader, speak_as
from app.web.my.listening import describe_lesson, save_url
from app.web.my.shelf import describe, paused
from app.web.rhythms import say_rhythm
from app.words import HOUSE_ZONE
from feeds.slots import known_zone


@my.get("/my/course/<uuid:public_id>")
@access.for_(Access.LISTENER)
def course_page(public_id: uuid.UUID) -> str:
    """Show it."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        subscription = plan.subscription
        speak_as(subscription)
        shown = progress.of_plan(rows, plan, now=now())
        hurry = paces.hurry_of(rows, plan, now())
        lessons = _lessons(rows, plan, shown)
    about = describe(shown, plan)
    return render_template(
        "public/my_course.html",
        course=about,
        lessons=lessons,
        save_url=save_url(subscription),
        rhythm=_rhythm(plan),
        choices=_choices(plan, shown, hurry),
        hers=_hers(plan),
        is_ended=subscription.ended_at is not None,
        follow_url=url_for("my.follow", public_id=public_id),
        course_url=url_for("public.course", slug=plan.course.slug),
        leave_url=about["leave_url"],
        my_url=url_for("my.home"),
    )


def own_plan(rows: Session, public_id: uuid.UUID) -> Plan:
    """Answer the plan of a subscription of the one who asks.

    Raises:
        SubscriptionNotFound: there is none by that id, it is somebody else's, or her link is for
            another one.
    """
    who = reader()
    subscription = subscriptions.get_of_listener(rows, who.listener.id, public_id, only=who.only)
    return unlocks.get_plan(rows, subscription.id)


def _lessons(rows: Session, plan: Plan, shown: Progress) -> list[dict[str, object]]:
    heard = positions.of_subscription(rows, plan.subscription.id)
    try:
        token = feed_addresses().get_token(rows, plan.subscription.id)
    except FeedAddressNotFound:
        # Begun again, or taken back: what she has plays elsewhere, or nowhere.
        token = None
    return [
        {
            **describe_lesson(step, token, heard),
            "unlocked_at": step.unlocked_at,
            "state": beat,
        }
        for step, beat in zip(shown.steps, shown.beats, strict=True)
    ]


def _rhythm(plan: Plan) -> str:
    sentence = say_rhythm(plan.life.rhythm)
    return sentence[:1].upper() + sentence[1:] + "."


def _choices(plan: Plan, shown: Progress, hurry: Hurry) -> list[dict[str, str | None]]:
    """What she can do about her pace, each on a page of its own."""
    found = _about_lessons_to_come(plan, hurry) if shown.state is State.LIVE else []
    if may_restart(plan.course.state):
        help_ = _("From lesson 1, with a new address.")
        found.append(_choice(plan, "my.restart_page", _("Begin again"), help_))
    return found


def _about_lessons_to_come(plan: Plan, hurry: Hurry) -> list[dict[str, str | None]]:
    found = []
    if paused(plan):
        found.append(_choice(plan, "my.resume_page", _("Go on with the lessons")))
        found.append(_choice(plan, "my.pause_page", _("Change the pause")))
    else:
        help_ = _("For a holiday, until a day that you choose.")
        found.append(_choice(plan, "my.pause_page", _("Pause"), help_))
    if paces.is_paced(plan):
        help_ = _("Slower, faster, another day, hour or time zone.")
        found.append(_choice(plan, "my.pace_page", _("Change the pace"), help_))
    if hurry.lesson_id is not None:
        help_ = _("Once a day.")
        found.append(_choice(plan, "my.hurry_page", _("Have the next lesson now"), help_))
    return found


def _hers(plan: Plan) -> list[dict[str, str | None]]:
    """What is hers besides the lessons, each on a page of its own."""
    found = []
    if plan.subscription.ended_at is None:
        help_ = _("See there when lessons come.")
        found.append(_choice(plan, "my.calendar_page", _("In your calendar"), help_))
        help_ = _("When somebody else has yours.")
        found.append(_choice(plan, "my.new_address_page", _("A new personal address"), help_))
    return [
        *found,
        *_agreed_to(plan.subscription),
        {
            "url": url_for("my.details_page"),
            "label": _("Name, language and e-mail address"),
            "help": None,
        },
        {"url": url_for("my.export_page"), "label": _("Everything kept of you"), "help": None},
    ]


def _agreed_to(subscription: Subscription) -> list[dict[str, str | None]]:
    """Answer the way to the text that she agreed to; no way when it was none of ours."""
    text = consent.find(subscription.consent_version, language=subscription.language)
    if text is None:
        return []
    local = subscription.consented_at.astimezone(known_zone(subscription.zone, HOUSE_ZONE))
    return [
        {
            "url": url_for("rights.consent_text", mark=text.mark),
            "label": _("What you agreed to"),
            "help": _("On %(day)s.", day=babel.say_day(local.date())),
        }
    ]


def _choice(
    plan: Plan, endpoint: str, label: str, help_: str | None = None
) -> dict[str, str | None]:
    url = url_for(endpoint, public_id=plan.subscription.public_id)
    return {"url": url, "label": label, "help": help_}
