#!/usr/bin/env python3
"""Make the recordings, transcripts, chapters and cover of the demo course from its texts.

The voice is espeak-ng; ffmpeg makes it pleasant and brings it to the loudness that podcast apps
expect. Each sentence is spoken by itself, so the times in transcript and chapters are true.
What this script makes is kept in the repository: run it again after a change to a text.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from speech import (
    PAUSES_SECONDS,
    VOICE_RATE_HZ,
    ToolFailedError,
    ToolMissingError,
    Voice,
    encode,
    silence,
    write_wav,
)

from app.demo import DEMO_SLUG, DemoCourse, DemoLesson, load_demo_course

FOLDER: Final = Path(__file__).resolve().parents[1] / "app" / "demo" / DEMO_SLUG

BITRATE: Final = "56k"

COVER_PIXELS: Final = 1500
SUPERSAMPLE: Final = 3
FONT_FOLDER: Final = Path("/usr/share/fonts/truetype/charis")
PAPER: Final = "#f6f1e6"
INK: Final = "#1f2a30"
ACCENT: Final = "#b4472c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One line of a spoken text. ``chapter`` is the heading right above it, None further down."""

    text: str
    chapter: str | None
    follows_breath: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A sentence and when it sounds, in seconds from the start of the recording."""

    sentence: Sentence
    starts: float
    ends: float


# --- text ----------------------------------------------------------------------------------


def parse_spoken_text(text: str) -> list[Sentence]:
    """Sentences in order; headings and empty lines become properties of the next sentence."""
    sentences: list[Sentence] = []
    chapter: str | None = None
    follows_breath = False
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("# "):
            chapter, follows_breath = line.removeprefix("# "), True
        elif line:
            sentences.append(Sentence(text=line, chapter=chapter, follows_breath=follows_breath))
            chapter, follows_breath = None, False
        else:
            follows_breath = True
    return sentences


def render_transcript(cues: Iterable[Cue]) -> str:
    """WebVTT with one numbered cue per sentence."""
    blocks = [
        f"{number}\n{_timestamp(cue.starts)} --> {_timestamp(cue.ends)}\n{cue.sentence.text}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def chapter_starts(cues: Sequence[Cue]) -> list[tuple[str, float]]:
    """Title and start of every chapter; the first one starts with the recording."""
    starts = [(cue.sentence.chapter, cue.starts) for cue in cues if cue.sentence.chapter]
    return [(title, at if index else 0.0) for index, (title, at) in enumerate(starts)]


def render_chapters(cues: Sequence[Cue]) -> str:
    """JSON chapters 1.2.0 (Podcastindex-org/podcast-namespace, chapters/jsonChapters.md)."""
    chapters = [{"startTime": round(at, 3), "title": title} for title, at in chapter_starts(cues)]
    document = {"version": "1.2.0", "chapters": chapters}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def render_tags(course: DemoCourse, lesson: DemoLesson, cues: Sequence[Cue], ends: float) -> str:
    """Tags and chapters in the format of ffmpeg's ffmetadata demuxer."""
    lines = [
        ";FFMETADATA1",
        f"title={lesson.title}",
        f"artist={course.author}",
        f"album={course.title}",
        f"track={lesson.number}/{len(course.lessons)}",
        "language=nld",
    ]
    starts = chapter_starts(cues)
    for (title, at), (_, until) in zip(starts, [*starts[1:], ("", ends)], strict=True):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={at * 1000:.0f}"]
        lines += [f"END={until * 1000:.0f}", f"title={title}"]
    return "\n".join(lines) + "\n"


def _timestamp(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


# --- sound ---------------------------------------------------------------------------------


def speak_lesson(sentences: Iterable[Sentence], voice: Voice, wav: Path) -> list[Cue]:
    """Speak the sentences one after the other into ``wav``; returns when each of them sounds."""
    samples = silence("start")
    cues: list[Cue] = []
    for sentence in sentences:
        if cues:
            samples += silence("breath" if sentence.follows_breath else "sentence")
        starts = len(samples) / VOICE_RATE_HZ
        samples += voice.speak(sentence.text, wav)
        cues.append(Cue(sentence=sentence, starts=starts, ends=len(samples) / VOICE_RATE_HZ))
    write_wav(samples + silence("end"), wav)
    return cues


# --- cover ---------------------------------------------------------------------------------


def draw_cover(course: DemoCourse) -> Image.Image:
    """The cover: the title on paper, and under it the row of beats, one per lesson."""
    side = COVER_PIXELS * SUPERSAMPLE
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)
    margin, radius = 0.105 * side, 0.057 * side
    spaced = "\N{THIN SPACE}".join("AUDIOCURSUS")
    draw.text((margin, margin), spaced, font=_font("Regular", 0.03), fill=INK, anchor="lt")
    first, second, *rest = course.title.split()
    for index, line in enumerate((f"{first} {second}", *rest)):
        base = (margin - 0.004 * side, (0.343 + 0.15 * index) * side)
        draw.text(base, line, font=_font("Bold", 0.142), fill=INK, anchor="ls")
    draw_beats(draw, (margin, side - margin - radius), len(course.lessons), radius)
    return image.resize((COVER_PIXELS, COVER_PIXELS), Image.Resampling.LANCZOS)


def draw_beats(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], count: int, radius: float
) -> None:
    """A row of beats: those unlocked filled, the next one ringed, the last one open."""
    left, middle = start
    for index in range(count):
        centre = (left + radius + index * radius * 3.85, middle)
        if index < count - 2:
            draw.circle(centre, radius, fill=ACCENT)
            continue
        draw.circle(centre, radius, outline=ACCENT, width=round(radius * 0.16))
        if index == count - 2:
            draw.circle(centre, radius * 0.52, fill=ACCENT)


def _font(weight: str, size: float) -> ImageFont.FreeTypeFont:
    path = FONT_FOLDER / f"CharisSIL-{weight}.ttf"
    if not path.exists():
        raise ToolMissingError("The typeface Charis SIL", "fonts-sil-charis")
    return ImageFont.truetype(str(path), round(size * COVER_PIXELS * SUPERSAMPLE))


# --- command -------------------------------------------------------------------------------


def make_lesson(course: DemoCourse, lesson: DemoLesson, voice: Voice) -> None:
    """Write the recording, transcript and chapters of one lesson beside its text."""
    with tempfile.TemporaryDirectory(prefix="cadans-demo-") as folder:
        wav, tags = Path(folder, "lesson.wav"), Path(folder, "tags.txt")
        cues = speak_lesson(parse_spoken_text(lesson.spoken_text), voice, wav)
        length = cues[-1].ends + PAUSES_SECONDS["end"]
        tags.write_text(render_tags(course, lesson, cues, length), encoding="utf-8")
        mp3 = FOLDER / lesson.audio.name
        loudness = encode(wav, tags, mp3, bitrate=BITRATE)
    (FOLDER / lesson.transcript.name).write_text(render_transcript(cues), encoding="utf-8")
    (FOLDER / lesson.chapters.name).write_text(render_chapters(cues), encoding="utf-8")
    print(
        f"{mp3.name}: {length:.1f} s, {mp3.stat().st_size / 1000:.0f} kB, {len(cues)} sentences, "
        f"{loudness.integrated_lufs} LUFS, peak {loudness.true_peak_db} dBTP"
    )


def say_what_would_be_made(course: DemoCourse) -> None:
    """Print what a real run would write, and write nothing."""
    for lesson in course.lessons:
        sentences = parse_spoken_text(lesson.spoken_text)
        words = sum(len(sentence.text.split()) for sentence in sentences)
        names = f"{lesson.audio.name}, {lesson.transcript.name}, {lesson.chapters.name}"
        print(f"would make {names}: {len(sentences)} sentences, {words} words")
    print(f"would make {course.cover.name}: {COVER_PIXELS} by {COVER_PIXELS} pixels")


def make_all(course: DemoCourse, *, only: str) -> None:
    """Make the recordings, the cover, or both."""
    if only != "cover":
        settings = tomllib.loads((FOLDER / "course.toml").read_text(encoding="utf-8"))
        voice = Voice(language=course.language, pronunciation=settings["pronunciation"])
        for lesson in course.lessons:
            make_lesson(course, lesson, voice)
    if only != "audio":
        cover = FOLDER / course.cover.name
        draw_cover(course).save(cover, quality=92, subsampling=0, optimize=True)
        print(f"{cover.name}: {cover.stat().st_size / 1000:.0f} kB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything was made, 1 when a tool is missing or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("all", "audio", "cover"), default="all")
    parser.add_argument("--dry-run", action="store_true", help="say what would be made, and stop")
    options = parser.parse_args(arguments)
    course = load_demo_course()
    if options.dry_run:
        say_what_would_be_made(course)
        return 0
    try:
        make_all(course, only=options.only)
    except (ToolMissingError, ToolFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
