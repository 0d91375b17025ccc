"""What is to be done with each file, seeing what the course has: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.upload.judge import Judged
from app.upload.server import LessonThere


class Deed(StrEnum):
    """What becomes of one file."""

    KEEP = "keep"
    """The course has these very bytes."""
    REPLACE = "replace"
    """A lesson of this title gets a new recording."""
    ADD = "add"
    """A new lesson is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file and what becomes of it; `lesson` is the one it is about, None for a new one."""

    judged: Judged
    deed: Deed
    lesson: LessonThere | None = None


def plan(files: Sequence[Judged], lessons: Sequence[LessonThere]) -> list[Step]:
    """Answer the steps, in the order of the files."""
    by_digest = {lesson.sha256: lesson for lesson in lessons if lesson.sha256}
    by_title = {fold(lesson.title): lesson for lesson in lessons}
    return [_step(judged, by_digest, by_title) for judged in files]


def changes(judged: Judged, lesson: LessonThere) -> dict[str, str]:
    """Answer what the list beside the audio says otherwise than the lesson does; it wins."""
    wanted = {"title": judged.file.line.title, "notes": judged.file.line.notes}
    return {
        name: value
        for name, value in wanted.items()
        if value is not None and _lines(value) != _lines(getattr(lesson, name))
    }


def order(present: Sequence[int], in_folder: Sequence[int], new: frozenset[int]) -> list[int]:
    """Answer the lessons in their new order: each new one behind its neighbour in the folder.

    What was there keeps its order, so that an owner's own arrangement stays.
    """
    ids = [lesson_id for lesson_id in present if lesson_id not in new]
    for index, lesson_id in enumerate(in_folder):
        if lesson_id not in new:
            continue
        followers = [other for other in in_folder[index + 1 :] if other in ids]
        if index:
            ids.insert(ids.index(in_folder[index - 1]) + 1, lesson_id)
        elif followers:
            ids.insert(ids.index(followers[0]), lesson_id)
        else:
            ids.append(lesson_id)
    return ids


def fold(title: str) -> str:
    """Answer by what titles are the same."""
    return " ".join(title.split()).casefold()


def _step(
    judged: Judged, by_digest: Mapping[str, LessonThere], by_title: Mapping[str, LessonThere]
) -> Step:
    same = by_digest.get(judged.sha256)
    if same is not None:
        return Step(judged=judged, deed=Deed.KEEP, lesson=same)
    named = by_title.get(fold(judged.title))
    if named is not None:
        return Step(judged=judged, deed=Deed.REPLACE, lesson=named)
    return Step(judged=judged, deed=Deed.ADD)


def _lines(text: str) -> list[str]:
    """Spreadsheets and servers end lines in different ways, and trim differently."""
    return [line.rstrip() for line in text.strip().splitlines()]
