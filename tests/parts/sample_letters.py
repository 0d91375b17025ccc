"""Every letter of the house with sample values, as nobody got it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Final

from app.mail.letters import Letter

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
TEMPLATES = (
    "confirm",
    "sign_in",
    "welcome",
    "lesson_unlocked",
    "password_reset",
    "erasure_asked",
    "erased",
    "paused",
    "resumed",
    "restarted",
    "address_changed",
    "email_change",
    "email_move",
    "email_changed",
    "leak",
    "nudge",
    "complete",
    "left",
)

# Letters that say something else when something else is so: name, template, what is so.
VARIANTS: Final[Sequence[tuple[str, str, Mapping[str, object]]]] = (
    ("leak-tell", "leak", {"step": "tell"}),
    ("leak-pause", "leak", {"step": "pause"}),
    ("email_change-new", "email_change", {"is_new": True, "course_title": ""}),
    ("email_change-asked", "email_change", {"is_new": True}),
    ("email_changed-asked", "email_changed", {"by_owner": True}),
    ("email_move-both", "email_move", {"changes_at": None}),
    ("complete-last", "complete", {"next_title": None, "next_url": None}),
    ("lesson_unlocked-halfway", "lesson_unlocked", {"is_halfway": True}),
    ("lesson_unlocked-last", "lesson_unlocked", {"is_complete": True, "next_at": None}),
    ("paused-open", "paused", {"until": None}),
)


def a_letter(
    template: str, words: str = "Kim", so: Mapping[str, object] = MappingProxyType({}), **more: str
) -> Letter:
    lesson = SimpleNamespace(number=2, title=words, minutes="14 min", at=NOW)
    values = {
        "url": "https://example.org/my/open/x",
        "my_url": "https://example.org/my/",
        "base_url": "https://example.org",
        "name": words,
        "course_title": words,
        "beats": ["unlocked", "next", "locked"],
        "beats_label": words,
        "lessons": [lesson],
        "upcoming": [lesson],
        "is_more": True,
        "is_complete": False,
        "next_at": NOW,
        "due_at": NOW,
        "step": "offer",
        "is_halfway": False,
        "next_title": words,
        "next_url": "https://example.org/next",
        "course_url": "https://example.org/course",
        "zone": "Europe/Amsterdam",
        "until": NOW.date(),
        "email": words,
        "is_new": False,
        "by_owner": False,
        "asked_by": words,
        "changes_at": NOW,
    }
    fields = {"language": "en", "address": "kim@example.org"} | more
    return Letter(
        template=template,
        unsubscribe_url="https://example.org/u/x",
        values={**values, **so},
        **fields,
    )
