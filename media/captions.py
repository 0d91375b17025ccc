"""Transcripts as WebVTT and chapters as JSON, whatever they were written in. Pure.

Sources: WebVTT, W3C Candidate Recommendation, w3.org/TR/webvtt1; SubRip as its program writes it;
JSON chapters 1.2.0, "docs/examples/chapters/jsonChapters.md" of Podcastindex-org/podcast-namespace.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from media.audio import Chapter
from media.errors import UnreadableText
from media.limits import LONGEST_CUE_CHARACTERS, MOST_CHAPTERS, MOST_TEXT_BYTES

CAPTIONS_MEDIA_TYPE: Final = "text/vtt"
CHAPTERS_MEDIA_TYPE: Final = "application/json+chapters"
_CHAPTERS_VERSION: Final = "1.2.0"

_TIME = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d)(?:[.,](\d{1,3}))?", re.ASCII)
# `07:12 Title`, `(07:12) Title`, `07:12 - Title`
_CHAPTER = re.compile(rf"[\s(\[]*{_TIME.pattern}[\s)\]:|\-\u2013\u2014]+(\S.*)", re.ASCII)
_ARROW: Final = "-->"
_MARKUP = re.compile(r"<[^<>]*>")
_VOICE = re.compile(r"<v(?:\.[^ >]*)?\s+([^<>]+)>")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Words and when they sound, from the beginning of the recording."""

    starts: timedelta
    ends: timedelta
    text: str
    """Plain text; lines are divided by a newline."""
    speaker: str | None = None


# --- captions


def parse_captions(data: bytes, duration: timedelta) -> tuple[Cue, ...]:
    """The cues of WebVTT, SubRip or plain text, in order of time.

    Plain text has no times: its sentences are spread over the recording by their length. Styles,
    positions and markup are left out; who speaks is kept.

    Args:
        data: What was uploaded: UTF-8 with or without a mark, UTF-16 with one, else Windows-1252.
        duration: Of the recording; only plain text needs it.

    Raises:
        UnreadableText: it is empty, too large, not text, or a time in it cannot be read.
    """
    text = _decoded(data)
    if text.startswith("WEBVTT") or _ARROW in text:
        cues = tuple(sorted(_timed_cues(text), key=lambda cue: cue.starts))
    else:
        cues = tuple(_spread(_sentences(text), duration))
    if not cues:
        raise UnreadableText("there are no words in it")
    return cues


def render_captions(cues: Iterable[Cue]) -> bytes:
    """The cues as WebVTT, in UTF-8."""
    blocks = ["WEBVTT", *(_block(cue) for cue in cues)]
    return ("\n\n".join(blocks) + "\n").encode()


def _timed_cues(text: str) -> Iterator[Cue]:
    for line, rows in _blocks(text):
        at = next((index for index, row in enumerate(rows[:2]) if _ARROW in row), None)
        # a block without times is the header, a style or a region
        if at is None or rows[0].startswith("NOTE"):
            continue
        cue = _cue(rows[at], rows[at + 1 :], line + at)
        if cue.text:
            yield cue


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that stand together, with the number of the first; blank rows divide them."""
    numbered = enumerate(text.split("\n"), start=1)
    for is_blank, group in groupby(numbered, key=lambda row: not row[1].strip()):
        rows = list(group)
        if not is_blank:
            yield rows[0][0], [row for _, row in rows]


def _cue(times: str, rows: list[str], line: int) -> Cue:
    starts_text, _, rest = times.partition(_ARROW)
    starts, ends = _time(starts_text.strip(), line), _time((rest.split() or [""])[0], line)
    if ends < starts:
        raise UnreadableText("this line ends before it begins", line)
    raw = "\n".join(rows)
    voice = _VOICE.search(raw)
    speaker = " ".join(html.unescape(voice[1]).split()) if voice else None
    return Cue(starts=starts, ends=ends, text=_plain(raw), speaker=speaker or None)


def _plain(raw: str) -> str:
    """Text without markup, empty lines and stray spaces."""
    text = html.unescape(_MARKUP.sub("", raw))
    rows = (" ".join(row.split()) for row in text.split("\n"))
    return "\n".join(row for row in rows if row)


def _time(text: str, line: int) -> timedelta:
    found = _TIME.fullmatch(text)
    if not found:
        raise UnreadableText(f"this is not a time: {text[:40]!r}", line)
    return _timedelta(found)


def _timedelta(found: re.Match[str]) -> timedelta:
    hours, minutes, seconds, fraction = found.groups()[:4]
    return timedelta(
        hours=int(hours or 0),
        minutes=int(minutes),
        seconds=int(seconds),
        milliseconds=int((fraction or "").ljust(3, "0")),
    )


def _sentences(text: str) -> Iterator[str]:
    """The text in pieces that can be read at once: sentences, long ones cut at a space."""
    for _, rows in _blocks(text):
        for piece in re.split(r"(?<=[.!?…])\s+", " ".join(" ".join(rows).split())):
            words = piece
            while len(words) > LONGEST_CUE_CHARACTERS:
                at = words.rfind(" ", 1, LONGEST_CUE_CHARACTERS + 1)
                at = at if at > 0 else LONGEST_CUE_CHARACTERS
                yield words[:at]
                words = words[at:].lstrip()
            if words:
                yield words


def _spread(pieces: Iterable[str], duration: timedelta) -> Iterator[Cue]:
    """Pieces over a recording, each as long as its share of the letters."""
    spoken = list(pieces)
    total = sum(len(piece) for piece in spoken)
    passed = 0
    for piece in spoken:
        starts, passed = duration * (passed / total), passed + len(piece)
        yield Cue(starts=starts, ends=duration * (passed / total), text=piece)


def _block(cue: Cue) -> str:
    """A cue in WebVTT; `-->` in its words would begin another one, so `>` is escaped too."""
    words = html.escape(cue.text, quote=False)
    if cue.speaker:
        words = f"<v {html.escape(cue.speaker, quote=False)}>{words}"
    return f"{_clock(cue.starts)} {_ARROW} {_clock(cue.ends)}\n{words}"


def _clock(at: timedelta) -> str:
    milliseconds = at // timedelta(milliseconds=1)
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{thousandths:03}"


def _decoded(data: bytes) -> str:
    """The text in bytes that strangers uploaded, with plain newlines."""
    if len(data) > MOST_TEXT_BYTES:
        raise UnreadableText(f"it is larger than {MOST_TEXT_BYTES // 1_000_000} MB")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n\ufeff ")
    raise UnreadableText("it is not text")


def _encodings(data: bytes) -> tuple[str, ...]:
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return ("utf-16",) if is_utf16 else ("utf-8-sig", "cp1252")


# --- chapters


def parse_chapters(data: bytes) -> tuple[Chapter, ...]:
    """The chapters of JSON chapters, or of text with lines such as `1:02:03 Title`, in order.

    Raises:
        UnreadableText: there are none, or one cannot be read.
    """
    text = _decoded(data)
    found = _json_chapters(text) if text.startswith("{") else _text_chapters(text)
    chapters = tuple(sorted(found, key=lambda chapter: chapter.starts))
    if not chapters:
        raise UnreadableText("there are no chapters in it")
    if len(chapters) > MOST_CHAPTERS:
        raise UnreadableText(f"there are more than {MOST_CHAPTERS} chapters in it")
    return chapters


def render_chapters(chapters: Iterable[Chapter]) -> bytes:
    """The chapters as JSON chapters 1.2.0, in UTF-8."""
    entries = [_entry(chapter) for chapter in sorted(chapters, key=lambda each: each.starts)]
    document = {"version": _CHAPTERS_VERSION, "chapters": entries}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _entry(chapter: Chapter) -> dict[str, object]:
    entry: dict[str, object] = {"startTime": _number(chapter.starts), "title": chapter.title}
    if chapter.ends is not None:
        entry["endTime"] = _number(chapter.ends)
    if chapter.url:
        entry["url"] = chapter.url
    if chapter.image_url:
        entry["img"] = chapter.image_url
    if not chapter.is_listed:
        entry["toc"] = False
    return entry


def _number(at: timedelta) -> float:
    """Seconds, whole ones without a fraction."""
    seconds = at.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _text_chapters(text: str) -> Iterator[Chapter]:
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        found = _CHAPTER.match(row)
        if not found:
            raise UnreadableText("a line should be a time and a title, as in `07:12 Title`", line)
        title, url = _without_address(found[5])
        yield Chapter(starts=_timedelta(found), title=title, url=url)


def _without_address(title: str) -> tuple[str, str | None]:
    """The title, and the web address that stood behind it."""
    address = _WEB_ADDRESS.search(title)
    url = address[0] if address else None
    words = title.replace(f"<{url}>", "").replace(url, "") if url else title
    return " ".join(words.split()) or (url or ""), url


def _json_chapters(text: str) -> Iterator[Chapter]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableText(f"it is not JSON: {error}") from error
    entries = document.get("chapters")
    if not isinstance(entries, list):
        raise UnreadableText("its `chapters` are not a list")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise UnreadableText(f"chapter {number} is not an object")
        yield _json_chapter(entry, number)


def _json_chapter(entry: dict[str, object], number: int) -> Chapter:
    starts = _json_time(entry.get("startTime"))
    if starts is None:
        raise UnreadableText(f"chapter {number} has no time at which it starts")
    title = entry.get("title")
    return Chapter(
        starts=starts,
        ends=_json_time(entry.get("endTime")),
        title=(_printable(title) if isinstance(title, str) else "") or str(number),
        url=_web_address(entry.get("url")),
        image_url=_web_address(entry.get("img")),
        is_listed=entry.get("toc") is not False,
    )


def _printable(text: str) -> str:
    """A text on one line; JSON can write what is no letter, such as half of a surrogate pair."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _json_time(value: object) -> timedelta | None:
    """Seconds; None when it is no time in a recording."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN and what is longer than a week are no time in a recording
    return timedelta(seconds=value) if 0 <= value <= 7 * 86_400 else None


def _web_address(value: object) -> str | None:
    """An address that an app may open; anything else is left out."""
    is_one = isinstance(value, str) and value.isprintable() and _WEB_ADDRESS.fullmatch(value)
    return str(value) if is_one else None
