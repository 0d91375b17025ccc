"""A new feed address, and the course once more from the start."""

import uuid

from flask import flash, redirect, url_for
from werkzeug import Response

from app.kinds import RetireReason
from app.policy import Access, may_restart
from app.services import lives, renewals
from app.services.renewals import MayNotRestart
from app.web import access
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import feed_addresses, host
from app.web.my import changing
from app.web.my.changing import Question
from app.web.my.course import own_plan
from app.web.my.face import SEE_OTHER, go_on_with, my, reader, speak_as
from app.web.my.fresh import needs_fresh


@my.get("/my/course/<uuid:public_id>/restart")
@access.for_(Access.LISTENER)
def restart_page(public_id: uuid.UUID) -> str:
    """Say what beginning again destroys, and ask."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
        if not may_restart(plan.course.state):
            raise MayNotRestart(plan.subscription.id)
    speak_as(plan.subscription)
    question = Question(
        title=_("Begin again with lesson 1?"),
        label=_("Begin again"),
        meanings=(
            _("Lesson 1 comes at once, the others in your rhythm, as if you signed up today."),
            _("You get a new personal address. Follow the course with it once more in your app."),
            _("At the old address what you have keeps playing, and nothing new comes there."),
        ),
        is_danger=True,
    )
    return changing.ask(plan, question)


@my.post("/my/course/<uuid:public_id>/restart")
@access.for_(Access.LISTENER)
def restart(public_id: uuid.UUID) -> Response:
    """Begin again, and show the way into her app."""
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        new = renewals.restart(
            rows, plan.subscription.id, addresses=feed_addresses(), host=host(), now=now()
        )
    speak_as(new)
    if reader().only is not None:
        go_on_with(new.id)
    flash(_("You begin again. Follow the course at your new address."), "good")
    return redirect(url_for("my.follow", public_id=new.public_id), SEE_OTHER)


@my.get("/my/course/<uuid:public_id>/new-address")
@access.for_(Access.LISTENER)
@needs_fresh
def new_address_page(public_id: uuid.UUID) -> str:
    """Say what a new address destroys, and ask."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
        lives.refuse_ended(plan.subscription)
    speak_as(plan.subscription)
    question = Question(
        title=_("A new personal address?"),
        label=_("Give me a new address"),
        meanings=(
            _("The address you have now stops at once, for everybody: nothing plays there."),
            _("Follow the course at the new address once more, in every app you listen with."),
            _("Your lessons and their dates stay as they are."),
        ),
        is_danger=True,
        note=_("This is what to do when somebody else has your address."),
    )
    return changing.ask(plan, question)


@my.post("/my/course/<uuid:public_id>/new-address")
@access.for_(Access.LISTENER)
@needs_fresh
def new_address(public_id: uuid.UUID) -> Response:
    """Replace it, and show the way into her app."""
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        renewals.new_address(
            rows,
            plan.subscription.id,
            reason=RetireReason.ASKED,
            addresses=feed_addresses(),
            host=host(),
            now=now(),
        )
    speak_as(plan.subscription)
    flash(_("You have a new address. Follow the course with it in your app."), "good")
    return redirect(url_for("my.follow", public_id=public_id), SEE_OTHER)
