"""Every letter of the house with sample values, as nobody got it."""

from datetime import UTC, datetime
from types import SimpleNamespace

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


def a_letter(template: str, words: str = "Kim", **more: str) -> Letter:
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
        template=template, unsubscribe_url="https://example.org/u/x", values=values, **fields
    )
