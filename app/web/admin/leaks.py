"""Addresses that seem to have leaked: whose, why, and how far the house may go by itself."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.kinds import LeakAnswer, SignalKind
from app.policy import Access
from app.services import leaks
from app.services.leak_rules import Sign
from app.web import access
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs
from app.web.babel import gettext as _
from app.web.babel import ngettext, say_day
from app.web.current import house, now


@admin.get("/admin/courses/<int:course_id>/leaks")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def leak_room(course_id: int) -> str:
    """Show whose address seems to be in other hands, and why."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        suspects = leaks.of_course(session, course_id, now=now())
    in_room("admin.course_room")
    return render_template(
        "admin/leaks.html",
        course=course,
        suspects=suspects,
        reason=reason,
        done=done,
        spoken_day=say_day,
        answers=[(each.value, *describe(each)) for each in LeakAnswer],
    )


@admin.post("/admin/courses/<int:course_id>/leaks")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def choose_leak_answer(course_id: int) -> AnyResponse:
    """Save how far the house may go; anything that is no choice leaves it as it was."""
    chosen = request.form.get("answer", "")
    with house().database.writing() as session:
        get_course(session, course_id)
        if chosen in set(LeakAnswer):
            leaks.choose_answer(session, course_id, LeakAnswer(chosen))
            flash(_("Saved."), "good")
        else:
            flash(_("Choose one of the four answers."), "bad")
    return redirect(url_for("admin.leak_room", course_id=course_id), SEE_OTHER)


@admin.post("/admin/courses/<int:course_id>/leaks/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def dismiss_leak(course_id: int, number: int) -> AnyResponse:
    """Leave one listener alone."""
    with house().database.writing() as session:
        leaks.dismiss(session, course_id, number, now=now())
    flash(_("Nothing is done about it, until there is a new address."), "good")
    return redirect(url_for("admin.leak_room", course_id=course_id), SEE_OTHER)


def reason(sign: Sign) -> str:
    """Say what was seen, in a sentence."""
    count = sign.amount
    if sign.kind is SignalKind.SUBSCRIBERS:
        words = _("%(app)s says that %(count)s people read this address.")
        return words % {"app": sign.names, "count": count}
    if sign.kind is SignalKind.DIRECTORY:
        return _("%(app)s asked for it, and shows what it reads to everybody.", app=sign.names)
    if sign.kind is SignalKind.APPS:
        return ngettext(
            "%(num)s app asked for it in one day.",
            "%(num)s different apps asked for it in one day.",
            count,
        )
    return ngettext(
        "It was asked for from %(num)s network in one day.",
        "It was asked for from %(num)s different networks in one day.",
        count,
    )


def describe(answer: LeakAnswer) -> tuple[str, str]:
    """Answer the name of an answer, and what it means."""
    return {
        LeakAnswer.SHOW: (_("Show it to me"), _("Nothing is done. You look here and decide.")),
        LeakAnswer.TELL: (
            _("Tell the listener"),
            _("She gets one mail that says what it looks like, and what she can do."),
        ),
        LeakAnswer.OFFER: (
            _("Offer a new address"),
            _("If it goes on a week later, a second mail asks her to take a new address."),
        ),
        LeakAnswer.PAUSE: (
            _("Pause"),
            _("If it still goes on a week after that, no new lesson comes until she goes on."),
        ),
    }[answer]


def done(step: LeakAnswer) -> str:
    """Say how far the house went."""
    return {
        LeakAnswer.SHOW: _("Nothing was done yet."),
        LeakAnswer.TELL: _("She was told."),
        LeakAnswer.OFFER: _("She was offered a new address."),
        LeakAnswer.PAUSE: _("Her course was paused, and she was told."),
    }[step]
