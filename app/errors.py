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


class NotFound(CadansError):
    """There is no such thing, or not for the one who asks: both look the same from outside."""

    what = "thing"

    def __init__(self, key: object = None) -> None:
        self.key = key
        super().__init__(f"no such {self.what}: {key}")


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
    """Somebody else saved first; carries what stands there now, so that a page can show both texts."""

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
    """A mail link of ours that is too old."""


class LinkUsed(LinkInvalid):
    """A mail link of ours that did its one job before."""
