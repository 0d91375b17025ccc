"""What is under way in a course: mails, recordings and other work that wait, run or failed."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as AnyResponse

from app import policy
from app.clock import system_clock
from app.db.queue import Job
from app.kinds import JobState
from app.policy import Access
from app.services import backlog, plans
from app.web import access
from app.web.admin import words
from app.web.admin.face import SEE_OTHER, admin, get_course, needs
from app.web.babel import gettext as _
from app.web.babel import ngettext
from app.web.current import house, now


@admin.get("/admin/courses/<int:course_id>/under-way")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def under_way(course_id: int) -> str:
    """Show what is not done yet, and what did not succeed."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        found = backlog.of_course(session, course_id, true_now=system_clock())
    return render_template(
        "admin/under_way.html",
        course=course,
        found=found,
        now=now(),
        mail_name=mail_name,
        mail_reason=mail_reason,
        job_name=job_name,
        job_state=job_state,
    )


@admin.post("/admin/courses/<int:course_id>/under-way/mails")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def retry_mails(course_id: int) -> AnyResponse:
    """Try every mail of the course again that failed."""
    with house().database.writing() as session:
        tried = backlog.retry_all_mails(session, course_id, now=now())
    flash(ngettext("%(num)s mail is tried again.", "%(num)s mails are tried again.", tried), "good")
    return redirect(url_for("admin.under_way", course_id=course_id), SEE_OTHER)


@admin.post("/admin/courses/<int:course_id>/under-way/mails/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def retry_mail(course_id: int, number: int) -> AnyResponse:
    """Try one mail again."""
    return _retry(
        course_id,
        lambda session: backlog.retry_mail(session, number, now=now(), course_id=course_id),
        _("The mail is tried again."),
    )


@admin.post("/admin/courses/<int:course_id>/under-way/recordings/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def retry_recording(course_id: int, number: int) -> AnyResponse:
    """Listen to a recording now that rests between two attempts."""
    return _retry(
        course_id,
        lambda session: backlog.retry_recording(session, number, now=now(), course_id=course_id),
        _("The recording is listened to again."),
    )


@admin.post("/admin/courses/<int:course_id>/under-way/jobs/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def retry_job(course_id: int, number: int) -> AnyResponse:
    """Try other work again."""
    return _retry(
        course_id,
        lambda session: backlog.retry_job(session, number, course_id=course_id),
        _("It is tried again."),
    )


def mail_name(template: str) -> str:
    """Answer what a mail is about."""
    known = words.mail_names().get(template)
    return known[0] if known else _("A mail about the course")


def mail_reason(last_error: str | None) -> str:
    """Answer what stood in the way of a mail; "": nothing so far."""
    if last_error is None:
        return ""
    answered = last_error.removeprefix("mail server answered ")
    if answered != last_error:
        return _("The mail server answered %(code)s.", code=answered)
    if last_error.startswith("mail server:"):
        return _("The mail server did not answer.")
    if last_error.startswith("mail server takes"):
        return _("The mail server cannot write to this address.")
    return _("The mail could not be written.")


def job_name(job: Job) -> str:
    """Answer what a job does; its own name when it is of another release."""
    return {plans.TASK: _("Change of rhythm or order")}.get(job.name, job.name)


def job_state(job: Job) -> str:
    """Answer how a job stands."""
    return {
        JobState.WAITING: _("Waits"),
        JobState.RUNNING: _("Is being done"),
        JobState.FAILED: _("Did not succeed"),
    }[job.state]


def _retry(course_id: int, retry: Callable[[Session], None], done: str) -> AnyResponse:
    with house().database.writing() as session:
        retry(session)
    flash(done, "good")
    return redirect(url_for("admin.under_way", course_id=course_id), SEE_OTHER)
