"""The tables, under the words of the product."""

from app.db.models.courses import Course, FormerSlug, Lesson, OwnerLine, Recording, Upload
from app.db.models.house import DailySalt, LimitCount, Mark, OutboxMail
from app.db.models.jobs import QueuedJob, TaskTrouble
from app.db.models.leaks import FetchNetwork, LeakCase, LeakSignal
from app.db.models.people import (
    Account,
    ApiToken,
    Confirmation,
    EmailChange,
    EmailMove,
    Listener,
    Membership,
)
from app.db.models.plans import PendingPlan
from app.db.models.positions import Position
from app.db.models.rights import Erasure, ErasureDay
from app.db.models.spoken import SpokenTurn
from app.db.models.subscriptions import (
    ErasedAddress,
    FeedAddress,
    Fetches,
    LessonOverride,
    PauseSpan,
    Subscription,
    Unlock,
)
from app.db.models.suppressions import HookToken, MailDomain, SoftBounce, Suppression

__all__ = [
    "Account",
    "ApiToken",
    "Confirmation",
    "Course",
    "DailySalt",
    "EmailChange",
    "EmailMove",
    "ErasedAddress",
    "Erasure",
    "ErasureDay",
    "FeedAddress",
    "FetchNetwork",
    "Fetches",
    "FormerSlug",
    "HookToken",
    "LeakCase",
    "LeakSignal",
    "Lesson",
    "LessonOverride",
    "LimitCount",
    "Listener",
    "MailDomain",
    "Mark",
    "Membership",
    "OutboxMail",
    "OwnerLine",
    "PauseSpan",
    "PendingPlan",
    "Position",
    "QueuedJob",
    "Recording",
    "SoftBounce",
    "SpokenTurn",
    "Subscription",
    "Suppression",
    "TaskTrouble",
    "Unlock",
    "Upload",
]
