"""The demo course that ships: whole, of the promised length and loudness, and Dutch throughout."""

import io
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, cast

import imageio_ffmpeg
import mutagen
import pytest
from PIL import Image

from app.demo import DEMO_SLUG, DemoCourse, DemoLesson, load_demo_course

FOLDER: Final = files("app.demo") / DEMO_SLUG
COURSE: Final = load_demo_course()
LESSON_NUMBERS: Final = [lesson.number for lesson in COURSE.lessons]
TIMESTAMP: Final = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)[.](\d{3})")
# words that no Dutch sentence contains, but nearly every English one
ENGLISH: Final = re.compile(
    r"\b(the|and|you|your|with|from|this|that|to|for|are|have|not|what|when|how|who|they|it|"
    r"listen|lesson|welcome|click|subscribe|weekly|feed|episode)\b",
    re.IGNORECASE,
)


@pytest.fixture(params=LESSON_NUMBERS, ids=lambda number: f"lesson-{number}")
def lesson(request: pytest.FixtureRequest) -> DemoLesson:
    return COURSE.lessons[cast("int", request.param) - 1]


@pytest.fixture
def mp3(lesson: DemoLesson) -> Iterator[Path]:
    with as_file(lesson.audio) as path:
        yield path


def cues_of(lesson: DemoLesson) -> list[tuple[float, float, str]]:
    blocks = lesson.transcript.read_text(encoding="utf-8").strip().split("\n\n")[1:]
    return [_parse_cue(block) for block in blocks]


def _parse_cue(block: str) -> tuple[float, float, str]:
    _, timing, text = block.split("\n")
    starts, ends = timing.split(" --> ")
    return _seconds(starts), _seconds(ends), text


def _seconds(timestamp: str) -> float:
    found = TIMESTAMP.fullmatch(timestamp)
    assert found is not None, timestamp
    hours, minutes, seconds, milliseconds = (int(part) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds + milliseconds / 1000


def chapters_of(lesson: DemoLesson) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(lesson.chapters.read_text())["chapters"])


def headings_of(lesson: DemoLesson) -> list[str]:
    return re.findall(r"^# (.+)$", lesson.spoken_text, re.MULTILINE)


def sentences_of(lesson: DemoLesson) -> list[str]:
    lines = lesson.spoken_text.splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def seconds_of(path: Path) -> float:
    return float(mutagen.File(path).info.length)


def texts_of(course: DemoCourse) -> Iterator[str]:
    yield from (course.title, course.summary, course.story_markdown)
    for lesson in course.lessons:
        yield from (lesson.title, lesson.notes_markdown, lesson.spoken_text)


def test_course_is_the_one_that_the_demo_promises() -> None:
    promised = ("bloeiende-community", "nl", "weekly", True, 4)
    made = (COURSE.slug, COURSE.language, COURSE.rhythm, COURSE.is_finished, len(COURSE.lessons))
    assert made == promised


def test_lessons_are_numbered_in_order() -> None:
    assert LESSON_NUMBERS == [1, 2, 3, 4]


def test_lesson_titles_are_unique() -> None:
    assert len({lesson.title.casefold() for lesson in COURSE.lessons}) == len(COURSE.lessons)


def test_every_file_of_a_lesson_is_there(lesson: DemoLesson) -> None:
    named: tuple[Traversable, ...] = (lesson.audio, lesson.transcript, lesson.chapters)
    assert [entry.name for entry in named if not entry.is_file()] == []


def test_story_is_as_long_as_an_article() -> None:
    assert 250 <= len(COURSE.story_markdown.split()) <= 400


def test_channel_text_fits_a_feed() -> None:
    assert max(len(text.encode()) for text in texts_of(COURSE)) < 4000


def test_length_is_within_the_target(mp3: Path) -> None:
    length = timedelta(seconds=seconds_of(mp3))
    assert abs(length - COURSE.target_length) <= COURSE.tolerance


def test_recording_stays_small(mp3: Path) -> None:
    assert mp3.stat().st_size < 800_000


def test_recording_is_tagged_for_its_place_in_the_course(lesson: DemoLesson, mp3: Path) -> None:
    tags = mutagen.File(mp3).tags
    written = [str(tags[name]) for name in ("TIT2", "TPE1", "TALB", "TRCK")]
    assert written == [lesson.title, COURSE.author, COURSE.title, f"{lesson.number}/4"]


@pytest.mark.slow
def test_loudness_is_what_podcast_apps_expect(mp3: Path) -> None:
    ffmpeg = shutil.which("ffmpeg") or str(imageio_ffmpeg.get_ffmpeg_exe())
    meter = ["-i", f"file:{mp3}", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
    command = [ffmpeg, "-nostdin", *meter]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    integrated = float(re.findall(r"\bI:\s+(-?[\d.]+) LUFS", said)[-1])
    true_peak = float(re.findall(r"\bPeak:\s+(-?[\d.]+) dBFS", said)[-1])
    assert (abs(integrated + 16) <= 1, true_peak <= -1) == (True, True), (integrated, true_peak)


def test_transcript_says_what_is_spoken(lesson: DemoLesson) -> None:
    assert [text for _, _, text in cues_of(lesson)] == sentences_of(lesson)


def test_transcript_is_webvtt(lesson: DemoLesson) -> None:
    assert lesson.transcript.read_text(encoding="utf-8").startswith("WEBVTT\n\n")


def test_cues_follow_each_other_within_the_recording(lesson: DemoLesson, mp3: Path) -> None:
    instants = [at for starts, ends, _ in cues_of(lesson) for at in (starts, ends)]
    assert instants == sorted(set(instants))
    assert instants[-1] < seconds_of(mp3)


def test_chapters_are_the_headings_of_the_spoken_text(lesson: DemoLesson) -> None:
    assert [chapter["title"] for chapter in chapters_of(lesson)] == headings_of(lesson)


def test_lesson_has_two_to_four_chapters(lesson: DemoLesson) -> None:
    assert 2 <= len(chapters_of(lesson)) <= 4


def test_chapters_start_with_a_sentence(lesson: DemoLesson) -> None:
    first, *later = [chapter["startTime"] for chapter in chapters_of(lesson)]
    assert first == 0
    assert set(later) <= {starts for starts, _, _ in cues_of(lesson)}


def test_recording_carries_the_same_chapters(lesson: DemoLesson, mp3: Path) -> None:
    tags = mutagen.File(mp3).tags
    inside = [frame.start_time for frame in tags.getall("CHAP")]
    assert inside == [round(1000 * chapter["startTime"]) for chapter in chapters_of(lesson)]


def test_cover_obeys_the_cover_rules() -> None:
    content = COURSE.cover.read_bytes()
    with Image.open(io.BytesIO(content)) as cover:
        assert (cover.format, cover.mode, cover.width) == ("JPEG", "RGB", cover.height)
        assert 1400 <= cover.width <= 3000
    assert len(content) < 512_000


def test_no_english_is_left_in_the_texts() -> None:
    assert [found[0] for text in texts_of(COURSE) for found in ENGLISH.finditer(text)] == []


def test_texts_do_not_shout() -> None:
    assert [text for text in texts_of(COURSE) if "!" in text] == []


def test_pronunciation_names_only_words_that_are_spoken() -> None:
    settings = tomllib.loads((FOLDER / "course.toml").read_text(encoding="utf-8"))
    spoken = " ".join(lesson.spoken_text.casefold() for lesson in COURSE.lessons)
    assert [word for word in settings["pronunciation"] if word not in spoken] == []


def test_everything_in_the_folder_is_used() -> None:
    used = {"course.toml", "story.md", "cover.jpg"}
    for each in COURSE.lessons:
        stem = each.audio.name.removesuffix(".mp3")
        used |= {f"{stem}.{end}" for end in ("md", "txt", "mp3", "vtt", "chapters.json")}
    assert {entry.name for entry in FOLDER.iterdir()} == used
