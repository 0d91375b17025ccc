"""The demo course that ships with the program: text, recordings and cover, read as values.

No database and no web framework here: a service turns these values into a course. What lies in
the folder beside this module is made by ``scripts/make_demo.py`` from the texts in the same folder.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

DEMO_SLUG: Final = "bloeiende-community"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLesson:
    """One lesson of the demo course, with the places of its files.

    ``spoken_text`` is what the voice says: a line per sentence, an empty line where it breathes,
    a line that starts with ``# `` where a chapter begins. ``transcript`` is WebVTT, ``chapters``
    is JSON chapters 1.2.0, ``audio`` is an MP3 with ID3 tags.
    """

    number: int
    title: str
    notes_markdown: str
    spoken_text: str
    audio: Traversable
    transcript: Traversable
    chapters: Traversable


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCourse:
    """The demo course as it ships, with its lessons in order.

    Each lesson lasts ``target_length``, give or take ``tolerance``.
    """

    slug: str
    title: str
    summary: str
    author: str
    language: str
    category: str
    rhythm: str
    is_explicit: bool
    is_finished: bool
    target_length: timedelta
    tolerance: timedelta
    story_markdown: str
    cover: Traversable
    lessons: tuple[DemoLesson, ...]


def load_demo_course() -> DemoCourse:
    """Read the demo course from the installed package.

    Raises:
        FileNotFoundError: a file of the course is missing; the package is damaged.
    """
    folder = files(__name__) / DEMO_SLUG
    course = tomllib.loads((folder / "course.toml").read_text(encoding="utf-8"))
    return DemoCourse(
        slug=DEMO_SLUG,
        title=course["title"],
        summary=course["summary"],
        author=course["author"],
        language=course["language"],
        category=course["category"],
        rhythm=course["rhythm"],
        is_explicit=course["is_explicit"],
        is_finished=course["is_finished"],
        target_length=timedelta(seconds=course["target_seconds"]),
        tolerance=timedelta(seconds=course["tolerance_seconds"]),
        story_markdown=(folder / course["story"]).read_text(encoding="utf-8"),
        cover=folder / course["cover"],
        lessons=tuple(
            _read_lesson(folder, number, lesson)
            for number, lesson in enumerate(course["lessons"], start=1)
        ),
    )


def _read_lesson(folder: Traversable, number: int, lesson: Mapping[str, Any]) -> DemoLesson:
    name = lesson["name"]
    return DemoLesson(
        number=number,
        title=lesson["title"],
        notes_markdown=(folder / f"{name}.md").read_text(encoding="utf-8"),
        spoken_text=(folder / f"{name}.txt").read_text(encoding="utf-8"),
        audio=folder / f"{name}.mp3",
        transcript=folder / f"{name}.vtt",
        chapters=folder / f"{name}.chapters.json",
    )
