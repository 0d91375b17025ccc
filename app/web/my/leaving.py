"""Leave a course: a page with a button."""

import uuid

from flask import render_template, url_for

from app.policy import Access
from app.services import courses, subscriptions
from app.web import access
from app.web.current import house, now
from app.web.links import host
from app.web.my.face import my, reader, speak_as


@my.get("/my/leave/<uuid:public_id>")
@access.for_(Access.LISTENER)
def leave_page(public_id: uuid.UUID) -> str:
    """Say what leaving means, and ask."""
    who = reader()
    with house().database.reading() as rows:
        subscription = subscriptions.get_of_listener(
            rows, who.listener.id, public_id, only=who.only
        )
        course = courses.get(rows, subscription.course_id)
    speak_as(subscription)
    return render_template(
        "public/leave.html",
        course_title=course.title,
        leave_url=url_for("my.leave", public_id=public_id),
        back_url=url_for("my.home"),
    )


@my.post("/my/leave/<uuid:public_id>")
@access.for_(Access.LISTENER)
def leave(public_id: uuid.UUID) -> str:
    """End the subscription; what was unlocked stays hers."""
    who = reader()
    with house().database.writing() as rows:
        subscription = subscriptions.get_of_listener(
            rows, who.listener.id, public_id, only=who.only
        )
        subscriptions.leave(rows, subscription.id, host=host(), now=now())
        course = courses.get(rows, subscription.course_id)
    speak_as(subscription)
    return render_template(
        "public/left.html",
        course_title=course.title,
        course_url=url_for("public.course", slug=course.slug),
    )
