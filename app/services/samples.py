"""Mails of a course as its owner sees them: with her own lessons, written to nobody."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Account, Course, Lesson, OutboxMail, Recording
from app.errors import NotFound, TooManyRequests
from app.kinds import LessonState
from app.mail.letters import Letter
from app.services import limits, openings, outbox, owner_lines
from app.services.letter_parts import Desk, NotWanted, Writer
from app.services.limits import Limit
from app.services.owner_lines import KINDS
from app.words import catalogue, say_length

WEEK: Final = timedelta(days=7)
# Somebody who polishes her words sends herself a few; a stolen session sends no thousands.
PER_ACCOUNT: Final = Limit(name="test mail", times=30, window=timedelta(hours=1))
TEMPLATE: Final = "test"
# Mails of the day on which she has one lesson.
BEGUN: Final = ("welcome", "nudge", "restarted")


class NoSuchMail(NotFound):
    """There is no mail of this kind."""

    what = "kind of mail"


def sample(  # noqa: PLR0913 (what, in which language, and the usual three)
    session: Session, course: Course, kind: str, *, desk: Desk, now: datetime, language: str
) -> Letter:
    """Answer a mail of a course, of the day on which its second lesson comes.

    Its links lead to the front door: nobody is signed in by a sample.

    Raises:
        NoSuchMail: there is none of this kind.
    """
    if kind not in KINDS:
        raise NoSuchMail(kind)
    letter = Letter(
        template=kind,
        language=language,
        address="",
        unsubscribe_url=desk.my_url,
        values=_values(session, course, kind, desk=desk, now=now, language=language)
        | _row(session, course, kind, language),
    )
    line = owner_lines.of_course(session, course).lines.get(kind)
    return owner_lines.with_line(letter, course, line)


def send_test(  # noqa: PLR0913 (what, to whom, and the usual three)
    session: Session, course: Course, kind: str, *, account: Account, host: str, now: datetime
) -> None:
    """Mail an owner one of her course's mails, in her own language.

    Raises:
        NoSuchMail: there is none of this kind.
        TooManyRequests: thirty in an hour already.
    """
    if kind not in KINDS:
        raise NoSuchMail(kind)
    if not limits.is_within(session, PER_ACCOUNT, str(account.id), now=now):
        raise TooManyRequests(PER_ACCOUNT.window)
    notice = outbox.Notice(
        name=f"{TEMPLATE}:{account.id}:{kind}:{now.isoformat()}",
        template=TEMPLATE,
        language=account.language,
        address=account.email,
        account_id=account.id,
        ids={"course": course.id, "kind": kind},
    )
    outbox.put(session, notice, host=host, now=now)


def _test(session: Session, mail: OutboxMail, desk: Desk, now: datetime) -> Letter:
    """A mail that an owner sent herself. `ids`: course, kind."""
    account = session.get(Account, mail.account_id)
    course = session.get(Course, mail.ids.get("course", 0))
    if account is None or account.disabled_at or course is None:
        raise NotWanted("its course or account is gone")
    letter = sample(
        session, course, str(mail.ids["kind"]), desk=desk, now=now, language=account.language
    )
    mark = catalogue(account.language).gettext("Test")
    return replace(letter, address=account.email, subject_mark=f"[{mark}] ", unsubscribe_url=None)


WRITERS: Final[Mapping[str, Writer]] = {TEMPLATE: _test}


def _values(  # noqa: PLR0913 (as `sample`)
    session: Session, course: Course, kind: str, *, desk: Desk, now: datetime, language: str
) -> dict[str, object]:
    words = catalogue(language)
    found = _lessons(session, course)
    made_up = (words.gettext("The first lesson"), words.gettext("The second lesson"))
    titles, lengths = zip(*(found or [(title, None) for title in made_up]), strict=True)
    # A welcome goes with the first lesson, all else on the day of the second.
    place = 0 if kind == "welcome" else min(1, len(titles) - 1)
    return {
        "url": desk.my_url,
        "my_url": desk.my_url,
        "course_url": f"{desk.base_url}/{course.slug}",
        "name": words.gettext("Kim"),
        "course_title": course.title,
        "zone": course.zone,
        "lessons": [
            {"number": place + 1, "title": titles[place], "minutes": lengths[place]},
        ],
        "upcoming": [
            {"title": title, "at": now + WEEK * week} for week, title in enumerate(titles[1:4], 1)
        ],
        "is_more": len(titles) > 4,  # noqa: PLR2004 (as cut above)
        "is_complete": False,
        "is_halfway": False,
        "next_at": now + WEEK if len(titles) > place + 1 else None,
        "next_title": course.next_title,
        "next_url": course.next_url,
        "until": None,
    }


def _lessons(session: Session, course: Course) -> list[tuple[str, str | None]]:
    """Answer the published lessons in order: title, and length as a mail says it."""
    rows = session.execute(
        select(Lesson.title, Recording.duration_ms)
        .outerjoin(Recording, Recording.id == Lesson.recording_id)
        .where(Lesson.course_id == course.id, Lesson.state == LessonState.PUBLISHED)
        .order_by(Lesson.position, Lesson.id)
    )
    return [
        (row.title, None if row.duration_ms is None else say_length(row.duration_ms))
        for row in rows
    ]


def _row(session: Session, course: Course, kind: str, language: str) -> dict[str, object]:
    """Answer the beat row as it stands when such a mail goes."""
    total = openings.count_published(session, course.id) or 2
    heard = {"confirm": 0, "complete": total, **dict.fromkeys(BEGUN, 1)}.get(kind, 2)
    label = catalogue(language).ngettext("%(num)s lesson", "%(num)s lessons", total)
    return {"beats": _beats(total, min(heard, total)), "beats_label": label % {"num": total}}


def _beats(total: int, heard: int) -> list[str]:
    rest = ["next", *["locked"] * total][: total - heard]
    return ["unlocked"] * heard + rest
