"""What can go wrong in the application: one small tree.

`app/web/errors.py` maps each class to a status; a test holds that table complete. The message of an
error is for logs and operators; what a person reads is written where the page is.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta


class CadansError(Exception):
    """Base of everything the application raises on purpose."""


class SettingsInvalid(CadansError):
    """The settings cannot be used; carries every problem with its remedy, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem}" for problem in self.problems))


class ExtraMissing(CadansError):
    """A setting asks for something that is not installed."""

    def __init__(self, setting: str, extra: str) -> None:
        super().__init__(
            f"{setting} needs more than is installed: pip install 'cadans[{extra}]',"
            " or remove the setting."
        )


class NotFound(CadansError):
    """There is no such thing, or not for the one who asks: both look the same from outside."""

    what = "thing"

    def __init__(self, key: object = None) -> None:
        self.key = key
        super().__init__(f"no such {self.what}: {key}")


class ConsentTextNotFound(NotFound):
    """There never was a consent text with that mark."""

    what = "consent text"


class CourseNotFound(NotFound):
    """No course by that slug or id."""

    what = "course"


class LessonNotFound(NotFound):
    """No lesson by that id in this course."""

    what = "lesson"


class SubscriptionNotFound(NotFound):
    """No subscription by that id for this listener."""

    what = "subscription"


class UploadNotFound(NotFound):
    """No upload by that id for this account."""

    what = "upload"


class RecordingNotFound(NotFound):
    """No recording by that id."""

    what = "recording"


class MailNotFound(NotFound):
    """No mail by that id that can be tried again."""

    what = "mail that waits or failed"


class JobNotFound(NotFound):
    """No job by that id that can be tried again."""

    what = "job that waits or failed"


class AccountNotFound(NotFound):
    """No account by that address."""

    what = "account"


class NotAllowed(CadansError):
    """Policy says no."""


class InvalidInput(CadansError):
    """Something typed cannot be used; carries one sentence per field, in the reader's language."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {why}" for name, why in self.fields.items()))


class StaleVersion(CadansError):
    """Somebody else saved first; `current_version` stands there now."""

    def __init__(self, what: str, current_version: int) -> None:
        self.what = what
        self.current_version = current_version
        super().__init__(f"{what} was saved by somebody else: version {current_version} stands now")


class TooManyRequests(CadansError):
    """A limit was reached; try again after `retry_after`."""

    def __init__(self, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(f"limit reached, try again in {int(retry_after.total_seconds())} s")


class LinkInvalid(CadansError):
    """A mail link that we did not sign, or signed for another purpose."""

    def __init__(self) -> None:
        super().__init__("this link was not signed by us for this purpose")


class LinkExpired(LinkInvalid):
    """A mail link of ours that is too old; `row_id` None: nobody need know for what it was."""

    def __init__(self, row_id: int | None = None) -> None:
        self.row_id = row_id
        super().__init__()


class LinkOrphaned(LinkExpired):
    """A mail link of ours for something that is no more, most often because it was erased."""


class LinkUsed(LinkInvalid):
    """A mail link of ours that did its one job before."""


class SlugTaken(InvalidInput):
    """Another course has, or once had, this slug; or the house needs the word itself."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__({"slug": f"{slug!r} is taken"})


class TitleTaken(InvalidInput):
    """Another lesson of the course has this title, give or take capitals."""

    def __init__(self, title: str) -> None:
        self.title = title
        super().__init__({"title": f"another lesson of this course is called {title!r}"})


class EmailTaken(InvalidInput):
    """There is an account with this address."""

    def __init__(self) -> None:
        super().__init__({"email": "there is an account with this address"})


class NotReady(InvalidInput):
    """Something else must come first; `why` is a word that a page turns into a sentence."""

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__({what: f"not yet: {why}"})


class PlanChanged(CadansError):
    """What unlocks when in this course changed while we wrote down what was due; try again."""

    def __init__(self, course_id: int) -> None:
        self.course_id = course_id
        super().__init__(f"the plan of course {course_id} changed meanwhile")


class LessonHeard(InvalidInput):
    """Somebody has unlocked this lesson, so that it cannot be thrown away."""

    def __init__(self, lesson_id: int) -> None:
        self.lesson_id = lesson_id
        super().__init__({"lesson": "somebody has it already: withdraw it instead"})


class CoverRefused(InvalidInput):
    """The picture cannot be used as a cover; carries the findings that say why."""

    def __init__(self, findings: Sequence[object]) -> None:
        self.findings = tuple(findings)
        super().__init__({"cover": "the picture cannot be used"})


class SpokenRefused(InvalidInput):
    """The recording cannot be used at a turn; carries the findings that say why."""

    def __init__(self, findings: Sequence[object]) -> None:
        self.findings = tuple(findings)
        super().__init__({"audio": "the recording cannot be used"})


class SpokenTooLong(InvalidInput):
    """A recording for a turn lasts longer than one may."""

    def __init__(self, seconds: int, most_seconds: int) -> None:
        self.seconds = seconds
        self.most_seconds = most_seconds
        super().__init__({"audio": f"it lasts {seconds} s, and may last {most_seconds} s"})


class UploadTooBig(InvalidInput):
    """The file is larger than this house takes."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__({"size_bytes": f"the file may have at most {limit_bytes} bytes"})


class TokenInvalid(CadansError):
    """An API token that we did not make, or that was revoked, has expired, or lost its account."""

    def __init__(self) -> None:
        super().__init__("this token opens nothing")
