"""What is done with each file, and in which order lessons come out."""

import hashlib
from pathlib import Path

import pytest

from app.upload.errors import (
    BadPublish,
    ListedFileMissing,
    ListedTwice,
    ListTooWide,
    ListWithoutFiles,
    UnknownColumns,
)
from app.upload.folder import AudioFile, Line, read_lines
from app.upload.judge import Judged
from app.upload.plan import Deed, changes, order, plan
from app.upload.server import LessonThere
from app.upload.words import language_of


def a_file(name: str, *, title: str, line: Line | None = None) -> Judged:
    return Judged(
        file=AudioFile(path=Path(name), line=line or Line()),
        title=title,
        size_bytes=1,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        send_as=name,
        duration=None,
        findings=(),
    )


def a_lesson(number: int, title: str, *, notes: str = "", file: str | None = None) -> LessonThere:
    digest = hashlib.sha256(file.encode()).hexdigest() if file else None
    return LessonThere(id=number, title=title, notes=notes, state="draft", version=1, sha256=digest)


def test_same_bytes_are_kept_whatever_the_lesson_is_called_now() -> None:
    (step,) = plan([a_file("1.mp3", title="Een")], [a_lesson(7, "Renamed", file="1.mp3")])

    assert (step.deed, step.lesson and step.lesson.id) == (Deed.KEEP, 7)


def test_other_bytes_under_a_title_replace_give_or_take_capitals() -> None:
    (step,) = plan([a_file("1.mp3", title="ÉÉN  les")], [a_lesson(7, "één les", file="old")])

    assert (step.deed, step.lesson and step.lesson.id) == (Deed.REPLACE, 7)


def test_what_is_new_is_added() -> None:
    (step,) = plan([a_file("1.mp3", title="Een")], [a_lesson(7, "Twee", file="2.mp3")])

    assert (step.deed, step.lesson) == (Deed.ADD, None)


def test_a_list_that_says_nothing_changes_nothing() -> None:
    assert changes(a_file("1.mp3", title="Een"), a_lesson(1, "Renamed", notes="Hers")) == {}


def test_line_ends_are_no_change() -> None:
    judged = a_file("1.mp3", title="Een", line=Line(notes="a\r\nb\n"))

    assert changes(judged, a_lesson(1, "Een", notes="a\nb")) == {}


@pytest.mark.parametrize(
    ("present", "in_folder", "new", "wanted"),
    [
        ([1, 2, 3], [1, 2, 3], {1, 2, 3}, [1, 2, 3]),
        ([1, 2, 3], [1, 3, 2], {3}, [1, 3, 2]),
        ([1, 2, 3], [3, 1, 2], {3}, [3, 1, 2]),
        # an owner's own order of what was there stays
        ([2, 1, 3], [1, 2, 3], {3}, [2, 3, 1]),
        # lessons of elsewhere stay where they are
        ([9, 1, 2], [1, 2], {2}, [9, 1, 2]),
        ([9, 1], [1], {1}, [9, 1]),
    ],
)
def test_a_new_lesson_comes_behind_its_neighbour(
    present: list[int], in_folder: list[int], new: set[int], wanted: list[int]
) -> None:
    assert order(present, in_folder, frozenset(new)) == wanted


def test_commas_and_semicolons_both_do() -> None:
    names = ["a.mp3"]

    assert read_lines("file;title\na.mp3;Een", names) == read_lines("file,title\na.mp3,Een", names)


def test_an_empty_cell_says_nothing() -> None:
    assert read_lines("file,title,notes,publish\na.mp3,,,", ["a.mp3"]) == {"a.mp3": Line()}


@pytest.mark.parametrize("word", ["yes", "Ja", "TRUE", "1", "x"])
def test_yes_is_said_in_many_ways(word: str) -> None:
    assert read_lines(f"file,publish\na.mp3,{word}", ["a.mp3"])["a.mp3"].is_to_publish


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("file,titel\na.mp3,x", UnknownColumns),
        ("title\nx", ListWithoutFiles),
        ("", ListWithoutFiles),
        ("file\nb.mp3", ListedFileMissing),
        ("file\na.mp3\na.mp3", ListedTwice),
        ("file,publish\na.mp3,maybe", BadPublish),
        ("file,title\na.mp3,x,y", ListTooWide),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_lines(text, ["a.mp3"])


@pytest.mark.parametrize(
    ("locale", "language"),
    [("nl_NL.UTF-8", "nl"), ("NL", "nl"), ("C.UTF-8", "en"), ("", "en"), ("de_DE", "en")],
)
def test_the_terminal_says_which_language(locale: str, language: str) -> None:
    assert language_of(locale) == language
