"""What the rooms of owners say: states, refusals and findings in the reader's language."""

from collections.abc import Iterable, Mapping

from app.db.models import Course, Lesson, Recording
from app.errors import InvalidInput, LessonHeard, NotReady, SlugTaken, TitleTaken, UploadTooBig
from app.kinds import CourseState, LessonState, RecordingState
from app.services import recordings
from app.web import babel
from app.web.babel import gettext as _
from media.findings import Finding
from media.words import sentence

MEGABYTE = 10**6


def findings(found: Iterable[Finding]) -> list[dict[str, str]]:
    """Answer findings as `parts/findings.html` takes them."""
    language = babel.current_language()
    return [
        {"severity": each.severity.value, "message": sentence(each, language)} for each in found
    ]


def findings_of(recording: Recording | None) -> list[dict[str, str]]:
    """Answer what was found about a recording, in words."""
    return findings(recordings.findings_of(recording)) if recording else []


def say_size(size_bytes: int) -> str:
    """Write a size the way people say it."""
    return f"{size_bytes / MEGABYTE:.0f} MB" if size_bytes >= MEGABYTE else _("under 1 MB")


def course_state(course: Course) -> str:
    """Answer how a course stands."""
    return {
        CourseState.DRAFT: _("Draft"),
        CourseState.OPEN: _("Open for sign-up"),
        CourseState.CLOSED: _("Closed"),
        CourseState.ARCHIVED: _("Archived"),
    }[course.state]


def lesson_state(lesson: Lesson) -> str:
    """Answer how a lesson stands."""
    return {
        LessonState.DRAFT: _("Draft"),
        LessonState.PUBLISHED: _("Published"),
        LessonState.WITHDRAWN: _("Withdrawn"),
        LessonState.REMOVED: _("Removed"),
    }[lesson.state]


def recording_state(recording: Recording | None) -> str:
    """Answer how far a recording is."""
    if recording is None:
        return _("No audio yet")
    return {
        RecordingState.WAITING: _("Waiting to be listened through"),
        RecordingState.ANALYSING: _("Being listened through"),
        RecordingState.READY: _("Audio is fine"),
        RecordingState.REFUSED: _("Audio cannot be used"),
    }[recording.state]


def refusal(error: InvalidInput) -> dict[str, str]:
    """Answer what a service refused, by field, in the reader's language; "" is the whole form."""
    if isinstance(error, SlugTaken):
        return {"slug": _("Another course has or had this address. Choose another word.")}
    if isinstance(error, TitleTaken):
        return {"title": _("Another lesson has this title; apps would mix them up. Change it.")}
    if isinstance(error, LessonHeard):
        return {"": _("Somebody has this lesson already. Withdraw it: nobody new will get it.")}
    if isinstance(error, UploadTooBig):
        return {"audio": _("This file is larger than may be uploaded here.")}
    if isinstance(error, NotReady):
        return {"": _not_ready(error.why)}
    return {field: _field_words(field, why) for field, why in error.fields.items()}


def _not_ready(why: str) -> str:
    reasons = {
        "no_lessons": _("Publish a lesson first: who signs up should hear something at once."),
        "never_opened": _("The course never opened."),
        "missing": _("Add audio first; then the lesson can be published."),
        "waiting": _("The audio is still being listened through. Try again in a minute."),
        "analysing": _("The audio is still being listened through. Try again in a minute."),
        "refused": _("The audio cannot be used; the findings say why. Upload it again."),
        "removed": _("This lesson was removed for good."),
        "not_published": _("The lesson is not published."),
        "being_unlocked": _(
            "Many listeners are getting their lessons just now, this one perhaps. Try again in a"
            " minute, or withdraw it: then nobody new gets it."
        ),
    }
    return reasons.get(why, _("That cannot be done now."))


def _field_words(field: str, why: str) -> str:
    known = {
        "title": _("Write a title of at most 200 characters."),
        "slug": _("Nothing of this can stand in an address. Use letters and digits."),
        "author": _("Use at most 200 characters."),
        "summary": _("Use at most 500 characters."),
        "story": _("This is longer than 50,000 characters. Make it shorter."),
        "notes": _("This is longer than 20,000 characters. Make it shorter."),
        "file_name": _("Choose an MP3 or M4A file. Export other audio as MP3 first."),
        "size_bytes": _("This file is empty. Export it again."),
        "order": _("A lesson came or went meanwhile. Look at the list again."),
    }
    return known.get(field, why)


def mail_names() -> Mapping[str, tuple[str, str]]:
    """Answer, for each kind of mail, what it is called and when it goes."""
    return {
        "confirm": (_("Confirm your sign-up"), _("At once, when somebody signs up.")),
        "welcome": (_("Welcome"), _("At once, when she confirmed.")),
        "nudge": (_("Not in an app yet"), _("Once, after two days in which no app asked for it.")),
        "lesson_unlocked": (_("A lesson is there"), _("With every lesson after the first.")),
        "complete": (_("The course is complete"), _("The day after the last lesson.")),
        "paused": (_("Paused"), _("At once, when she pauses.")),
        "resumed": (_("Resumed"), _("At once, when she goes on.")),
        "left": (_("Farewell"), _("At once, when she leaves.")),
        "leak": (_("Others seem to have your address"), _("When signs say so, if you allow it.")),
        "sign_in": (_("A sign-in link"), _("When somebody asks for it.")),
        "restarted": (_("Begun again"), _("At once, when she begins again.")),
        "address_changed": (_("A new address"), _("At once, when she takes one.")),
        "email_change": (_("May mail go elsewhere"), _("At once, to both mailboxes.")),
        "email_move": (_("Is this mailbox gone"), _("At once, when you ask for another one.")),
        "email_changed": (_("Mail goes elsewhere"), _("When both mailboxes said yes.")),
        "erasure_asked": (_("She will be erased"), _("At once, when she asks for it.")),
        "erased": (_("She is erased"), _("A day after she asked for it.")),
        "test": (_("A test to yourself"), _("When you ask for it.")),
    }
