"""The ways in: asking for a link, that link, the confirm link of a sign-up; and the way out."""

from flask import make_response, redirect, render_template, request, url_for
from werkzeug import Response

from app import consent
from app.errors import LinkExpired, LinkInvalid, LinkOrphaned, LinkUsed, SubscriptionNotFound
from app.policy import Access
from app.services import courses, erasures, signup, subscriptions, suppressions
from app.services.email_addresses import AddressInvalid, parse_address
from app.services.links import OpenedLink, Purpose
from app.services.signup import Confirmed, LinkAsked, Press, SignUpClosed
from app.web import access, babel
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import feed_addresses, host, is_demo_seen_from_here, keeper, links, network
from app.web.my import fresh
from app.web.my.face import (
    GONE,
    NOT_FOUND,
    SEE_OTHER,
    UNPROCESSABLE,
    enter,
    find_reader,
    go_out,
    gone_page,
    my,
)
from app.web.my.shelf import my_courses
from app.web.security import csrf


@my.get("/my/")
@access.for_(Access.ANYONE)
def home() -> str:
    """Show her courses, or ask to which address a link should go."""
    found = find_reader()
    if found is None:
        return _ask_page("public/my_sign_in.html")
    return my_courses(found)


@my.post("/my/")
@access.for_(Access.ANYONE)
def ask() -> Response:
    """Mail a link to the address on file; the answer is the same for every address."""
    typed = request.form.get("email", "").strip()
    try:
        address = parse_address(typed)
    except AddressInvalid:
        words = _("This is no e-mail address. Write it like name@example.org.")
        return make_response(_ask_page("public/my_sign_in.html", typed, words), UNPROCESSABLE)
    asked = LinkAsked(address=address, language=babel.current_language())
    with house().database.writing() as rows:
        signup.ask_link(rows, asked, network=network(), host=host(), now=now())
    page = render_template(
        "public/check_mail.html",
        kind="sign-in",
        email=typed,
        back_url=url_for("my.home"),
        dev_mail_url=url_for("dev.mails") if is_demo_seen_from_here() else None,
    )
    return make_response(page)


@my.get("/my/open/<token>")
@access.for_(Access.LINK)
def open_link(token: str) -> Response:
    """Let her in and leave the token behind; opening it twice, as scanners do, changes nothing."""
    try:
        opened, only_this = _open(token)
        with house().database.reading() as rows:
            opened.check_made_after(subscriptions.get(rows, opened.row_id).started_at)
            subscription = subscriptions.get_latest(rows, opened.row_id)
            is_stopped = suppressions.is_stopped(rows, subscription.listener_id)
    except (SubscriptionNotFound, LinkOrphaned):
        return gone_page()
    except LinkInvalid as error:
        return gone_page() if _is_orphaned(error) else _link_gone(error, "sign-in")
    if is_stopped:
        _lift_bounce(subscription.listener_id, opened)
    if only_this:
        enter(subscription.listener_id, only=subscription.id, by=Purpose.MANAGE)
        return redirect(url_for("my.follow", public_id=subscription.public_id), SEE_OTHER)
    enter(subscription.listener_id, only=None, by=Purpose.SIGN_IN)
    return redirect(fresh.way_back() or url_for("my.home"), SEE_OTHER)


@my.get("/my/confirm/<token>")
@access.for_(Access.LINK)
def look_at_confirm(token: str) -> Response:
    """Show the button; only pressing it confirms, because mail scanners follow links."""
    try:
        opened = links().open(Purpose.CONFIRM, token, now=now())
        with house().database.reading() as rows:
            waiting = signup.get_waiting(
                rows, opened.row_id, link_made_at=opened.made_at, now=now()
            )
            course = courses.get(rows, waiting.course_id)
            is_leaving = erasures.find_by_address(rows, waiting.email_key) is not None
    except LinkInvalid as error:
        return _link_gone(error, "confirm")
    babel.speak(waiting.language)
    confirm_url = url_for("my.confirm", token=token)
    page = render_template(
        "public/confirm.html",
        course_title=course.title,
        confirm_url=confirm_url,
        is_leaving=is_leaving,
        consent=consent.read_by(waiting.consent_version, language=waiting.language),
        keeper=keeper(),
    )
    return make_response(page)


@my.post("/my/confirm/<token>")
@access.for_(Access.LINK)
def confirm(token: str) -> Response:
    """Make her a listener and show the way into her app."""
    try:
        opened = links().open(Purpose.CONFIRM, token, now=now())
        confirmed = _confirm(opened)
    except LinkInvalid as error:
        return _link_gone(error, "confirm")
    except SignUpClosed as closed:
        with house().database.reading() as rows:
            slug = courses.get(rows, closed.course_id).slug
        return redirect(url_for("public.course", slug=slug), SEE_OTHER)
    subscription = confirmed.subscription
    enter(subscription.listener_id, only=subscription.id, by=Purpose.CONFIRM)
    return redirect(url_for("my.follow", public_id=subscription.public_id), SEE_OTHER)


@my.post("/my/sign-out")
@access.for_(Access.LISTENER)
def sign_out() -> Response:
    """End her session in this browser."""
    go_out()
    return redirect(url_for("my.home"), SEE_OTHER)


def _confirm(opened: OpenedLink) -> Confirmed:
    press = Press(
        confirmation_id=opened.row_id,
        zone=signup.find_zone(request.form.get("zone")),
        link_made_at=opened.made_at,
    )
    with house().database.writing() as rows:
        return signup.confirm(rows, press, addresses=feed_addresses(), host=host(), now=now())


def _lift_bounce(listener_id: int, opened: OpenedLink) -> None:
    with house().database.writing() as rows:
        suppressions.answered(rows, listener_id, made_at=opened.made_at, now=now())


def _open(token: str) -> tuple[OpenedLink, bool]:
    """Answer what the link says, and whether it is for one course alone."""
    try:
        return links().open(Purpose.MANAGE, token, now=now()), True
    except LinkExpired:
        raise
    except LinkInvalid:
        return links().open(Purpose.SIGN_IN, token, now=now()), False


def _is_orphaned(error: LinkInvalid) -> bool:
    """Whether a link that is too old was for somebody who is not here any more."""
    if not isinstance(error, LinkExpired) or error.row_id is None:
        return False
    with house().database.reading() as rows:
        return not subscriptions.exists(rows, error.row_id)


def _link_gone(error: Exception, kind: str) -> Response:
    """Say what is wrong with a link and how to get a new one; never the follow page."""
    if isinstance(error, LinkUsed):
        return make_response(_ask_page("public/confirm_used.html"), GONE)
    if isinstance(error, LinkExpired):
        return make_response(_ask_page("public/link_expired.html", kind=kind), GONE)
    kind = "damaged" if kind == "confirm" else kind
    return make_response(_ask_page("public/link_expired.html", kind=kind), NOT_FOUND)


def _ask_page(template: str, email: str = "", error: str | None = None, kind: str = "") -> str:
    return render_template(
        template, ask_url=url_for("my.ask"), email=email, error=error, kind=kind, course_url=None
    )


# These forms carry no cookie, or are authorised by the token in their address; browsers say
# themselves when another site sent them (Sec-Fetch-Site, app/web/security.py).
for view in (ask, confirm):
    csrf.exempt(view)
