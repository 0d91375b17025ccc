"""Builders that show only what matters to a test: a_course(session, lessons=3)."""

import itertools
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.models import (
    Account,
    Course,
    FeedAddress,
    Lesson,
    Listener,
    Membership,
    Recording,
    Subscription,
)
from app.kinds import CourseState, LessonState, RecordingState, Role

START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def an_account(
    session: Session, *, email: str | None = None, name: str = "Ada", **more: Any
) -> Account:
    email = email or f"ada{next(_numbers)}@example.org"
    account = Account(
        email=email,
        email_key=email.casefold(),
        name=name,
        password_hash="!",
        language="en",
        created_at=START,
        **more,
    )
    session.add(account)
    session.flush()
    return account


def a_membership(
    session: Session, account: Account, course: Course, role: Role = Role.OWNER
) -> Membership:
    membership = Membership(account_id=account.id, course_id=course.id, role=role, created_at=START)
    session.add(membership)
    session.flush()
    return membership


def a_course(
    session: Session, *, lessons: int = 4, state: CourseState = CourseState.OPEN, **more: Any
) -> Course:
    """A course with published lessons of 15 minutes; what else it is, a test says."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "slug": f"course-{number}",
        "title": f"Course {number}",
        "author": "Ada",
        "language": "nl",
        "state": state,
        "created_at": START - timedelta(days=30),
        "opened_at": START - timedelta(days=20),
        "revised_at": START - timedelta(days=20),
    }
    course = Course(**(fields | more))
    session.add(course)
    session.flush()
    for position in range(1, lessons + 1):
        a_lesson(session, course, position=position)
    return course


def a_lesson(session: Session, course: Course, *, position: int = 1, **more: Any) -> Lesson:
    """A published lesson with a recording that is ready; nothing lies in the store."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "course_id": course.id,
        "public_id": secrets.token_hex(4),
        "guid": uuid.uuid4(),
        "position": position,
        "title": f"Lesson {number}",
        "title_key": f"lesson {number}",
        "state": LessonState.PUBLISHED,
        "published_at": START - timedelta(days=20),
        "placed_at": START - timedelta(days=20),
        "created_at": START - timedelta(days=30),
    }
    lesson = Lesson(**(fields | more))
    session.add(lesson)
    session.flush()
    recording = a_recording(session, lesson)
    lesson.recording_id = recording.id
    session.flush()
    return lesson


def a_recording(session: Session, lesson: Lesson, *, number: int = 1, **more: Any) -> Recording:
    fields: dict[str, Any] = {
        "lesson_id": lesson.id,
        "number": number,
        "object_key": f"{lesson.course_id}/{secrets.token_hex(16)}.mp3",
        "file_name": f"les-{number}.mp3",
        "extension": "mp3",
        "content_type": "audio/mpeg",
        "size_bytes": 14_400_000,
        "etag": f'"{secrets.token_hex(8)}"',
        "duration_ms": 900_000,
        "state": RecordingState.READY,
        "created_at": START - timedelta(days=30),
    }
    recording = Recording(**(fields | more))
    session.add(recording)
    session.flush()
    return recording


def a_listener(session: Session, *, email: str | None = None, name: str = "Ben") -> Listener:
    email = email or f"ben{next(_numbers)}@example.org"
    listener = Listener(email=email, email_key=email.casefold(), name=name, created_at=START)
    session.add(listener)
    session.flush()
    return listener


def a_subscription(
    session: Session,
    course: Course,
    listener: Listener | None = None,
    *,
    key_number: int = 1,
    **more: Any,
) -> Subscription:
    """A subscription that started at START, with a feed address in use; no unlock is recorded."""
    listener = listener or a_listener(session)
    fields: dict[str, Any] = {
        "public_id": uuid.uuid4(),
        "listener_id": listener.id,
        "course_id": course.id,
        "started_at": START,
        "zone": "Europe/Amsterdam",
        "language": "nl",
        "revised_at": START,
        "next_unlock_at": START,
        "consent_version": "1",
        "consented_at": START,
    }
    subscription = Subscription(**(fields | more))
    session.add(subscription)
    session.flush()
    session.add(
        FeedAddress(
            random_id=secrets.token_bytes(16),
            subscription_id=subscription.id,
            key_number=key_number,
            created_at=START,
        )
    )
    session.flush()
    return subscription
