"""Slugs: a course's word in its address, out of a title in any script."""

from datetime import datetime
from typing import Final

from slugify import slugify
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Course, FormerSlug
from app.errors import InvalidInput, SlugTaken

MAX_CHARS: Final = 80

# Each is, or may become, the first part of an address of the house itself.
RESERVED: Final = frozenset(
    {
        "f",
        "a",
        "p",
        "my",
        "admin",
        "api",
        "dev",
        "hooks",
        "static",
        "healthz",
        "readyz",
        "metrics",
        "sign-in",
        "robots.txt",
        "sitemap.xml",
        "favicon.ico",
        ".well-known",
    }
)
# What a title becomes of which nothing can be written in Latin letters, such as one in signs alone.
FALLBACK: Final = "course"


def to_slug(text: str) -> str:
    """Write a text in small Latin letters, digits and single hyphens; empty: nothing is left."""
    return str(slugify(text, max_length=MAX_CHARS, word_boundary=True))


def parse_slug(text: str) -> str:
    """Take what somebody typed as a slug.

    Raises:
        InvalidInput: nothing of it can stand in an address.
        SlugTaken: the house needs this word itself.
    """
    slug = to_slug(text)
    if not slug:
        raise InvalidInput({"slug": "nothing of it can stand in an address"})
    if slug in RESERVED:
        raise SlugTaken(slug)
    return slug


def free_slug(session: Session, title: str) -> str:
    """Answer the slug for a title that nobody has: "rust", or "rust-2" when that is taken."""
    base = to_slug(title) or FALLBACK
    taken = _taken_from(session, base) | RESERVED
    number = 1
    slug = base
    while slug in taken:
        number += 1
        slug = f"{base[: MAX_CHARS - 6]}-{number}"
    return slug


def check_free(session: Session, slug: str, *, course_id: int | None = None) -> None:
    """Return when a course may take this slug; one that it had itself is its own.

    Raises:
        SlugTaken: it is another's, was another's, or is the house's.
    """
    if slug in RESERVED:
        raise SlugTaken(slug)
    holder = session.scalar(select(Course.id).where(Course.slug == slug))
    former = session.scalar(select(FormerSlug.course_id).where(FormerSlug.slug == slug))
    if any(course is not None and course != course_id for course in (holder, former)):
        raise SlugTaken(slug)


def retire(session: Session, course: Course, *, now: datetime) -> None:
    """Keep the course's present slug for it, so that old links find the way."""
    if session.get(FormerSlug, course.slug) is None:
        session.add(FormerSlug(slug=course.slug, course_id=course.id, retired_at=now))


def take_back(session: Session, slug: str) -> None:
    """Forget that a slug is a former one: its course has it again."""
    former = session.get(FormerSlug, slug)
    if former is not None:
        session.delete(former)


def _taken_from(session: Session, base: str) -> set[str]:
    held = session.scalars(select(Course.slug).where(Course.slug.startswith(base)))
    former = session.scalars(select(FormerSlug.slug).where(FormerSlug.slug.startswith(base)))
    return {*held, *former}
