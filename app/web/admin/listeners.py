"""Who listens to a course: since when, how far, whether mail arrives; and another mailbox."""

import uuid

import structlog
from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.errors import TooManyRequests
from app.policy import Access
from app.services import email_moves, listeners
from app.services.email_addresses import AddressInvalid, parse_address
from app.services.email_moves import SameAddress, SheSaidNo, Wish
from app.services.listeners import ListenerLine
from app.services.vouching import GRACE
from app.web import access
from app.web.admin.face import SEE_OTHER, account, admin, get_course, in_room, needs
from app.web.admin.silences import say_codes, say_reason
from app.web.babel import gettext as _
from app.web.babel import ngettext
from app.web.current import house, now
from app.web.links import host

log = structlog.get_logger()

UNPROCESSABLE = 422
# No id has more digits (63 bits).
MAX_DIGITS = 18
# A row of more beats says less than two numbers.
MOST_BEATS = 13


@admin.get("/admin/courses/<int:course_id>/listeners")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def listener_list(course_id: int) -> str:
    """List who listens, the newest first."""
    before = request.args.get("before", "")
    is_number = before.isdecimal() and len(before) <= MAX_DIGITS
    return _list(course_id, before=int(before) if is_number else None)


@admin.post("/admin/courses/<int:course_id>/listeners")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def find_listeners(course_id: int) -> str:
    """List who has these letters in name or address; posted, so that no address holds one."""
    return _list(course_id, wanted=request.form.get("wanted", "").strip())


@admin.get("/admin/courses/<int:course_id>/listeners/<uuid:public_id>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def one_listener(course_id: int, public_id: uuid.UUID) -> Response:
    """Show one listener, and ask for another mailbox."""
    return _one(course_id, public_id)


@admin.post("/admin/courses/<int:course_id>/listeners/<uuid:public_id>/mailbox")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def move_mailbox(course_id: int, public_id: uuid.UUID) -> AnyResponse:
    """Ask the new mailbox, and tell the old one."""
    typed = request.form.get("email", "").strip()
    try:
        _ask(course_id, public_id, typed)
    except (AddressInvalid, SameAddress, SheSaidNo, TooManyRequests) as error:
        return _one(course_id, public_id, typed=typed, error=_say_refusal(error))
    flash(_("A link is on its way to %(email)s, if it can be used.", email=typed), "good")
    return _back(course_id, public_id)


@admin.post("/admin/courses/<int:course_id>/listeners/<uuid:public_id>/mailbox/stop")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def stop_moving_mailbox(course_id: int, public_id: uuid.UUID) -> AnyResponse:
    """Take it back; the links in both mails open nothing any more."""
    with house().database.writing() as session:
        email_moves.take_back(session, listeners.get_subscription(session, course_id, public_id))
    log.info("mailbox_move_taken_back", account=account().id, subscription=str(public_id))
    flash(_("It is taken back. The address stays as it is."), "good")
    return _back(course_id, public_id)


def _ask(course_id: int, public_id: uuid.UUID, typed: str) -> None:
    with house().database.writing() as session:
        wish = Wish(
            subscription=listeners.get_subscription(session, course_id, public_id),
            address=parse_address(typed),
            account=account(),
        )
        email_moves.ask(session, wish, host=host(), now=now())
    # Who asked for whom, never to where: what an owner does to a listener can be looked up.
    log.info("mailbox_move_asked", account=account().id, subscription=str(public_id))


def _list(course_id: int, *, before: int | None = None, wanted: str = "") -> str:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        found = listeners.in_course(session, course_id, before=before, wanted=wanted, now=now())
    return render_template(
        "admin/listeners.html",
        course=course,
        found=found,
        wanted=wanted,
        is_part=before is not None,
        beats=lambda line: _beats(line, found.lessons),
        how_far=lambda line: _how_far(line, found.lessons),
        say_reason=say_reason,
    )


def _one(
    course_id: int, public_id: uuid.UUID, *, typed: str = "", error: str | None = None
) -> Response:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        found = listeners.get(session, course_id, public_id, now=now())
    page = render_template(
        "admin/listener.html",
        course=course,
        found=found,
        label=found.progress.label(account().language),
        days=GRACE.days,
        say_reason=say_reason,
        say_codes=say_codes,
        typed=typed,
        error=error,
    )
    return make_response(page, UNPROCESSABLE if error else 200)


def _back(course_id: int, public_id: uuid.UUID) -> AnyResponse:
    url = url_for("admin.one_listener", course_id=course_id, public_id=public_id)
    return redirect(url, SEE_OTHER)


def _say_refusal(error: Exception) -> str:
    if isinstance(error, SameAddress):
        return _("That is the listener's address already. Fill in the new one.")
    if isinstance(error, SheSaidNo):
        return _(
            "This listener said no to our mail in the old mailbox, so that we cannot tell it."
            " Ask her to sign up again with the new address."
        )
    if isinstance(error, TooManyRequests):
        return _(
            "That were many for one day, for you or for one of the two mailboxes. Try tomorrow."
        )
    return _("This is no e-mail address. Write it like name@example.org.")


def _beats(line: ListenerLine, lessons: int) -> list[str]:
    """Answer the beat row of a line; empty: too many for a row."""
    count = max(lessons, line.unlocked)
    if count > MOST_BEATS:
        return []
    rest = ["locked"] * (count - line.unlocked)
    if rest and line.ended_at is None:
        rest[0] = "next"
    return ["unlocked"] * line.unlocked + rest


def _how_far(line: ListenerLine, lessons: int) -> str:
    count = max(lessons, line.unlocked)
    words = ngettext(
        "%(count)s of %(num)s lesson", "%(count)s of %(num)s lessons", count, count=line.unlocked
    )
    return str(words)
