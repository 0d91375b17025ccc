"""The owner's rooms, under `/admin/` and `/sign-in`."""

from app.web.admin import (
    adding,
    backlog,
    course_edit,
    course_rooms,
    leaks,
    lesson_rooms,
    lesson_turns,
    listeners,
    listening,
    mails,
    sign_in,
    silences,
    spoken_rooms,
    transcripts,
)
from app.web.admin.face import admin
from app.web.admin.uploading import uploading

__all__ = [
    "adding",
    "admin",
    "backlog",
    "course_edit",
    "course_rooms",
    "leaks",
    "lesson_rooms",
    "lesson_turns",
    "listeners",
    "listening",
    "mails",
    "sign_in",
    "silences",
    "spoken_rooms",
    "transcripts",
    "uploading",
]
