"""When lessons come, in her own calendar app: a link that she can take back."""

import uuid

from flask import Response, make_response, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app.errors import LinkInvalid, SubscriptionNotFound
from app.policy import Access
from app.services import calendars, lives
from app.services.links import Purpose
from app.web import access
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import links
from app.web.my import changing
from app.web.my.course import own_plan
from app.web.my.face import NOT_FOUND, my, speak_as
from feeds.calendar import CONTENT_TYPE
from feeds.conditional import matches

NOT_MODIFIED = 304


@my.get("/my/course/<uuid:public_id>/calendar")
@access.for_(Access.LISTENER)
def calendar_page(public_id: uuid.UUID) -> str:
    """Show the link, and how to take it back."""
    with house().database.reading() as rows:
        plan = own_plan(rows, public_id)
    lives.refuse_ended(plan.subscription)
    speak_as(plan.subscription)
    token = calendars.sign(links(), plan.subscription)
    url = f"{house().settings.base_url}{url_for('my.calendar', token=token)}"
    return render_template(
        "public/my_calendar.html",
        course_title=plan.course.title,
        calendar_url=url,
        webcal_url=f"webcal:{url.partition(':')[2]}",
        take_back_url=url_for("my.take_calendar_back", public_id=public_id),
        back_url=changing.url_of(plan),
    )


@my.post("/my/course/<uuid:public_id>/calendar")
@access.for_(Access.LISTENER)
def take_calendar_back(public_id: uuid.UUID) -> AnyResponse:
    """Let the link open nothing any more; the next one is another."""
    with house().database.writing() as rows:
        plan = own_plan(rows, public_id)
        calendars.take_back(rows, plan.subscription.id)
    speak_as(plan.subscription)
    return changing.done(plan, _("The calendar's link of before shows nothing any more."))


@my.get("/my/calendar/<token>.ics")
@access.for_(Access.LINK)
def calendar(token: str) -> Response:
    """Answer the calendar to an app that polls; to a link that is none, one line of text."""
    try:
        opened = links().open(Purpose.CALENDAR, token, now=now())
        with house().database.reading() as rows:
            subscription = calendars.get(rows, opened)
            content = calendars.render(rows, subscription, now=now())
    except (LinkInvalid, SubscriptionNotFound):
        return _answer(b"There is no calendar at this address.\n", "text/plain", NOT_FOUND)
    etag = calendars.etag_of(content)
    if matches(request.headers.get("If-None-Match"), etag):
        response = make_response(b"", NOT_MODIFIED)
        response.headers.pop("Content-Type", None)
    else:
        response = _answer(content, CONTENT_TYPE)
    response.headers["ETag"] = etag
    # Hers alone, and asked for anew each time.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _answer(content: bytes, content_type: str, status: int = 200) -> Response:
    response = make_response(content, status)
    response.headers["Content-Type"] = content_type
    response.headers["X-Robots-Tag"] = "noindex"
    return response
