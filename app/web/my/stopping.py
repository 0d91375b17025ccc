"""Stop the mails of one course, by a page with a button or by one POST from a mail program.

The POST carries no cookie and no token of ours beside the one in its address (RFC 8058).
"""

from flask import make_response, render_template, url_for
from werkzeug import Response

from app.errors import LinkExpired, LinkInvalid, LinkOrphaned, LinkUsed, SubscriptionNotFound
from app.policy import Access
from app.services import courses, signup, subscriptions
from app.services.links import OpenedLink, Purpose
from app.web import access
from app.web.current import house, now
from app.web.links import links
from app.web.my.face import NOT_FOUND, gone_page, my, speak_as
from app.web.security import csrf


@my.get("/my/unsubscribe/<token>")
@access.for_(Access.LINK)
def unsubscribe_page(token: str) -> Response:
    """Ask; a mail scanner that follows links stops nothing."""
    try:
        return _page(token, is_done=False)
    except (SubscriptionNotFound, LinkOrphaned):
        return gone_page()
    except LinkInvalid:
        return _unknown()


@my.post("/my/unsubscribe/<token>")
@access.for_(Access.LINK)
def unsubscribe(token: str) -> Response:
    """Stop the mails, or forget a sign-up that was not confirmed. Twice is fine."""
    try:
        _stop(token)
        return _page(token, is_done=True)
    except (SubscriptionNotFound, LinkOrphaned):
        return gone_page()
    except LinkInvalid:
        return _unknown()


def _page(token: str, *, is_done: bool) -> Response:
    forgets = _find_sign_up(token)
    if forgets is not None:
        return _forget_page(token, forgets, is_done=is_done)
    opened = links().open(Purpose.UNSUBSCRIBE, token, now=now())
    with house().database.reading() as rows:
        subscription = subscriptions.get(rows, opened.row_id)
        opened.check_made_after(subscription.started_at)
        course = courses.get(rows, subscription.course_id)
    speak_as(subscription)
    page = render_template(
        "public/unsubscribe.html",
        course_title=course.title,
        is_done=is_done,
        unsubscribe_url=url_for("my.unsubscribe", token=token),
        my_url=url_for("my.home"),
    )
    return make_response(page)


def _forget_page(token: str, opened: OpenedLink, *, is_done: bool) -> Response:
    if not is_done:
        with house().database.reading() as rows:
            try:
                signup.get_waiting(rows, opened.row_id, link_made_at=opened.made_at, now=now())
            except (LinkUsed, LinkExpired):
                is_done = True
    page = render_template(
        "public/forget.html",
        is_done=is_done,
        forget_url=url_for("my.unsubscribe", token=token),
        home_url=url_for("public.home"),
        my_url=url_for("my.home"),
    )
    return make_response(page)


def _stop(token: str) -> None:
    forgets = _find_sign_up(token)
    with house().database.writing() as rows:
        if forgets is not None:
            signup.forget(rows, forgets.row_id, link_made_at=forgets.made_at, now=now())
            return
        opened = links().open(Purpose.UNSUBSCRIBE, token, now=now())
        opened.check_made_after(subscriptions.get(rows, opened.row_id).started_at)
        subscriptions.stop_mail(rows, opened.row_id, now=now())


def _find_sign_up(token: str) -> OpenedLink | None:
    """Answer which sign-up the link forgets; None: it is a link for something else."""
    try:
        return links().open(Purpose.FORGET, token, now=now())
    except LinkInvalid:
        return None


def _unknown() -> Response:
    page = render_template(
        "public/link_expired.html",
        kind="sign-in",
        ask_url=url_for("my.ask"),
        email="",
        error=None,
        course_url=None,
    )
    return make_response(page, NOT_FOUND)


# The token in its address authorises it; a mail program sends no other (RFC 8058).
csrf.exempt(unsubscribe)
