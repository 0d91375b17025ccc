"""Whose mail comes back, and why; the owner may let it go again, unless the listener said no."""

import csv
import io
import uuid
from collections.abc import Iterator
from typing import Final

from flask import Response, flash, redirect, render_template, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.kinds import SuppressionReason
from app.mail.reports import STATUS
from app.policy import Access
from app.services import soft_bounces, suppressions
from app.services.soft_bounces import Echo
from app.services.suppressions import BounceOnly, Silence
from app.web import access
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs
from app.web.babel import gettext as _
from app.web.current import house, now

# More than this is no list to read but a broken mail server.
SHOWN: Final = 200
# What a spreadsheet takes for the beginning of a formula; a listener chose her name herself.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@admin.get("/admin/courses/<int:course_id>/mail-trouble")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def mail_trouble(course_id: int) -> str:
    """List the listeners whose mail does not arrive."""
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        count = suppressions.count_in_course(session, course_id)
        found = suppressions.in_course(session, course_id, limit=SHOWN)
        echoes = soft_bounces.in_course(session, course_id, limit=SHOWN, now=now())
    return render_template(
        "admin/mail_trouble.html",
        course=course,
        silences=found,
        count=count,
        echoes=echoes,
        say_reason=say_reason,
        say_codes=say_codes,
    )


@admin.get("/admin/courses/<int:course_id>/mail-trouble.csv")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def mail_trouble_table(course_id: int) -> Response:
    """Give all of them as a table for a spreadsheet, or for another mail service."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        silences = suppressions.in_course(session, course_id, limit=None)
        echoes = soft_bounces.in_course(session, course_id, limit=None, now=now())
    name = f"{course.slug}-mail-{now():%Y-%m-%d}.csv"
    return Response(
        # With a mark that tells Excel that it is UTF-8.
        _table(silences, echoes).encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@admin.post("/admin/courses/<int:course_id>/mail-trouble/<uuid:public_id>")
@access.for_(Access.COURSE)
@needs(policy.may_see_listeners)
def lift_trouble(course_id: int, public_id: uuid.UUID) -> AnyResponse:
    """Let mail go to a listener again."""
    try:
        with house().database.writing() as session:
            suppressions.lift_in_course(session, course_id, public_id, now=now())
        flash(
            _("The next mail goes to this listener again. If it comes back, you see it here."),
            "good",
        )
    except BounceOnly:
        flash(
            _(
                "Nothing was changed: this listener said no to our mail,"
                " and only the listener can take that back."
            ),
            "warn",
        )
    return redirect(url_for("admin.mail_trouble", course_id=course_id), SEE_OTHER)


def say_reason(reason: SuppressionReason) -> str:
    """Answer in one sentence why mail does not arrive."""
    return {
        SuppressionReason.HARD_BOUNCE: _(
            "The mail came back: this mailbox does not exist, or is closed."
        ),
        SuppressionReason.REFUSED: _("The mail server of this address refuses mail for it."),
        SuppressionReason.COMPLAINT: _(
            "This listener marked a mail of ours as unwanted, so none is sent."
            " Signing up and confirming again lifts that."
        ),
        SuppressionReason.ASKED: _(
            "This listener asked the mail service for no more mail of ours."
            " Signing up and confirming again lifts that."
        ),
    }[reason]


def say_codes(diagnostic: str | None) -> str:
    """Answer in one sentence why a mail came back for now (RFC 3463)."""
    found = STATUS.search(diagnostic or "")
    if found is None:
        return _("The mail server did not say why.")
    status = found[0][1:]
    if status == ".2.2":
        return _("The mailbox is full.")
    if status in {".2.3", ".3.4"}:
        return _("The mail was too large for it.")
    if status.startswith(".7."):
        return _("The mail server took it for unwanted mail, or does not trust who sends it.")
    return _("The mail server could not take it then.")


def _table(silences: list[Silence], echoes: list[Echo]) -> str:
    """Write both lists as CSV (RFC 4180); what is for programs is in English in every language."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("email", "name", "kind", "gets_mail", "times", "since", "server_said", "why"))
    table.writerows([_plain(cell) for cell in row] for row in _rows(silences, echoes))
    return written.getvalue()


def _rows(silences: list[Silence], echoes: list[Echo]) -> Iterator[tuple[object, ...]]:
    for silence in silences:
        since, said = f"{silence.suppressed_at:%Y-%m-%dT%H:%M:%SZ}", silence.diagnostic or ""
        kind, why = silence.reason.value, say_reason(silence.reason)
        yield silence.email, silence.name, kind, "no", "", since, said, why
    for echo in echoes:
        since, said = f"{echo.last_at:%Y-%m-%dT%H:%M:%SZ}", echo.diagnostic or ""
        why = say_codes(echo.diagnostic)
        yield echo.email, echo.name, "soft_bounce", "yes", echo.count, since, said, why


def _plain(cell: object) -> str:
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
