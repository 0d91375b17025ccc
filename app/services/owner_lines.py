"""What the owner of a course adds to its mails, and when they go: one page, saved as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db.models import Confirmation, Course, OutboxMail, OwnerLine, Subscription
from app.errors import CourseNotFound, InvalidInput, StaleVersion
from app.mail.letters import Letter
from app.services import revisions

# The mails of a course that take a line, in the order in which a listener gets them.
KINDS: Final = (
    "confirm",
    "welcome",
    "nudge",
    "lesson_unlocked",
    "complete",
    "paused",
    "resumed",
    "restarted",
    "address_changed",
    "left",
)
# A line, not a letter: mails are read on a phone.
MAX_LINE_CHARS: Final = 500
MAX_TITLE_CHARS: Final = 200
MAX_URL_CHARS: Final = 1000
HOURS: Final = range(21)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailChoices:
    """What an owner decides about the mails of a course.

    `mail_hour` None: at any hour. `next_url` None: nothing comes after the course. `lines` by kind.
    """

    mail_hour: int | None
    next_title: str | None
    next_url: str | None
    lines: Mapping[str, str] = field(default_factory=dict)


def of_course(session: Session, course: Course) -> MailChoices:
    """Answer what stands there."""
    rows = session.execute(
        select(OwnerLine.template, OwnerLine.line).where(OwnerLine.course_id == course.id)
    )
    return MailChoices(
        mail_hour=course.mail_hour,
        next_title=course.next_title,
        next_url=course.next_url,
        lines=dict(rows.all()),
    )


def parse(form: Mapping[str, str]) -> MailChoices:
    """Take what an owner typed.

    Raises:
        InvalidInput: per field what is wrong: "hour", "pair", "url", "long".
    """
    errors: dict[str, str] = {}
    hour = form.get("mail_hour", "")
    if hour and not (hour.isdecimal() and int(hour) in HOURS):
        errors["mail_hour"] = "hour"
    title, url = (" ".join(form.get(name, "").split()) for name in ("next_title", "next_url"))
    errors.update(_problems_of_next(title, url))
    lines = {kind: " ".join(form.get(f"line_{kind}", "").split()) for kind in KINDS}
    errors.update(
        {f"line_{kind}": "long" for kind, line in lines.items() if len(line) > MAX_LINE_CHARS}
    )
    if errors:
        raise InvalidInput(errors)
    return MailChoices(
        mail_hour=int(hour) if hour else None,
        next_title=title or None,
        next_url=url or None,
        lines={kind: line for kind, line in lines.items() if line},
    )


def save(
    session: Session, course_id: int, choices: MailChoices, *, version: int, now: datetime
) -> None:
    """Save what an owner decided; feeds show where to go next, so they change with it.

    Raises:
        CourseNotFound: there is none by that id.
        StaleVersion: somebody else saved meanwhile.
    """
    saved: Any = session.execute(
        update(Course)
        .where(Course.id == course_id, Course.mails_version == version)
        .values(
            mail_hour=choices.mail_hour,
            next_title=choices.next_title,
            next_url=choices.next_url,
            mails_version=version + 1,
        )
    )
    if not saved.rowcount:
        if session.get(Course, course_id) is None:
            raise CourseNotFound(course_id)
        raise StaleVersion("course", course_id)
    revisions.note_shown(session, course_id, now=now)
    session.execute(delete(OwnerLine).where(OwnerLine.course_id == course_id))
    session.add_all(
        OwnerLine(course_id=course_id, template=kind, line=line)
        for kind, line in choices.lines.items()
    )
    session.flush()


def add(session: Session, letter: Letter, mail: OutboxMail) -> Letter:
    """Put the owner's line into a letter about her course, if she wrote one for it."""
    course = _course_of(session, mail)
    if course is None:
        return letter
    return with_line(letter, course, of_course(session, course).lines.get(letter.template))


def with_line(letter: Letter, course: Course, line: str | None) -> Letter:
    """Put a line into a letter, signed by who made the course."""
    if not line:
        return letter
    signed = {"owner_line": line, "owner_name": course.author or course.title}
    return replace(letter, values={**letter.values, **signed})


def _problems_of_next(title: str, url: str) -> dict[str, str]:
    if bool(title) != bool(url):
        return {"next_title" if url else "next_url": "pair"}
    problems = {}
    if len(title) > MAX_TITLE_CHARS:
        problems["next_title"] = "long"
    if url and (urlsplit(url).scheme not in {"http", "https"} or len(url) > MAX_URL_CHARS):
        problems["next_url"] = "url"
    return problems


def _course_of(session: Session, mail: OutboxMail) -> Course | None:
    found = None
    if mail.subscription_id is not None:
        subscription = session.get(Subscription, mail.subscription_id)
        found = subscription.course_id if subscription else None
    elif mail.confirmation_id is not None:
        confirmation = session.get(Confirmation, mail.confirmation_id)
        found = confirmation.course_id if confirmation else None
    return session.get(Course, found) if found is not None else None
