"""The closed sets of the product: what a course, a lesson, a subscription can be."""

from enum import StrEnum


class Role(StrEnum):
    """What an account may do in one course: owner > editor > host."""

    OWNER = "owner"
    EDITOR = "editor"
    HOST = "host"


class CourseState(StrEnum):
    """Draft: for its makers. Open: people sign up. Closed: no new ones. Archived: out of sight."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Visibility(StrEnum):
    """Private: a feed per listener. Public: an ordinary podcast with one open feed."""

    PRIVATE = "private"
    PUBLIC = "public"


class LessonState(StrEnum):
    """Withdrawn: no new unlocks. Removed: for law or safety, text replaced and audio gone."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"


class RecordingState(StrEnum):
    """Waiting for its full analysis, being analysed, fit to publish, or refused."""

    WAITING = "waiting"
    ANALYSING = "analysing"
    READY = "ready"
    REFUSED = "refused"


class UploadState(StrEnum):
    """Open: parts may arrive. Done: a recording came of it. Aborted: by its owner or by age."""

    OPEN = "open"
    DONE = "done"
    ABORTED = "aborted"


class EndReason(StrEnum):
    """Why a subscription ended."""

    LEFT = "left"
    RESTARTED = "restarted"
    CLOSED = "closed"
    REVOKED = "revoked"


class RetireReason(StrEnum):
    """Why a feed address was retired."""

    ASKED = "asked"
    LEAKED = "leaked"
    REVOKED = "revoked"
    RESTARTED = "restarted"


class SuppressionReason(StrEnum):
    """Why an address takes no mail: it does not exist, its server refused it, or she said no."""

    HARD_BOUNCE = "hard_bounce"
    REFUSED = "refused"
    COMPLAINT = "complaint"
    ASKED = "asked"


class JobState(StrEnum):
    """Waiting for a worker, run by one, or given up after its last attempt. Done: no row."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


class SignalKind(StrEnum):
    """What may say that a private address is in other hands."""

    SUBSCRIBERS = "subscribers"
    DIRECTORY = "directory"
    APPS = "apps"
    NETWORKS = "networks"


class ErasureBy(StrEnum):
    """Who had somebody erased: herself, who runs the house for her, or her being gone for long."""

    HERSELF = "herself"
    OPERATOR = "operator"
    AGE = "age"


class LeakAnswer(StrEnum):
    """How far the house may go by itself when an address seems to have leaked, step by step."""

    SHOW = "show"
    TELL = "tell"
    OFFER = "offer"
    PAUSE = "pause"
