"""Transcripts and chapters: read or refused in words, and what is written is read back."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.captions import parse_captions, parse_chapters, render_captions, render_chapters
from media.errors import UnreadableText
from tests.fuzz.effort import JSON, TEXTS, fuzzed, spoilt

LENGTH = timedelta(minutes=15)
VTT = (
    "WEBVTT - Les één\n\nSTYLE\n::cue {}\n\n1\n00:00:01.000 --> 00:00:02,500 align:start\n"
    "<v Roos><i>Hallo</i> &amp; welkom\ntweede regel\n\n00:03.000 --> 00:04.000\nDag\n"
).encode()
# What JSON can hold that no letter is: half of a surrogate pair.
HALVES = st.sampled_from(["\ud800", "\udfff", "x\udc00y"])
ENTRY = st.fixed_dictionaries(
    {"startTime": st.integers(0, 900) | st.floats(0, 900) | JSON},
    optional={
        "title": TEXTS | HALVES,
        "url": st.sampled_from(["https://e.example/\ud800", "https://e.example", "javascript:1"]),
        "img": TEXTS,
        "endTime": JSON,
        "toc": JSON,
    },
)


@fuzzed(200)
@given(data=spoilt(VTT) | spoilt(VTT.decode().encode("utf-16")) | TEXTS.map(str.encode))
def test_transcript_is_read_or_refused(data: bytes) -> None:
    try:
        cues = parse_captions(data, LENGTH)
    except UnreadableText:
        return
    written = render_captions(cues)
    assert render_captions(parse_captions(written, LENGTH)) == written


@fuzzed(200)
@given(entries=st.lists(ENTRY, max_size=4), wrapped=st.booleans())
def test_json_chapters_are_read_or_refused(entries: list[object], wrapped: bool) -> None:  # noqa: FBT001
    document = {"version": "1.2.0", "chapters": entries if wrapped else [*entries, entries]}
    try:
        chapters = parse_chapters(json.dumps(document).encode())
    except UnreadableText:
        return
    assert parse_chapters(render_chapters(chapters)) == chapters


@pytest.mark.parametrize("title", ["\ud800", "a\udfffb", "\ufffe \ufffe"])
def test_half_a_letter_in_a_chapter_is_no_letter(title: str) -> None:
    document = {"chapters": [{"startTime": 0, "title": title}]}
    (chapter,) = parse_chapters(json.dumps(document).encode())
    assert json.loads(render_chapters([chapter]))["chapters"][0]["title"] == chapter.title
