"""Transcripts and chapters as people have them become what podcast apps read."""

import json
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import Chapter
from media.captions import (
    Cue,
    parse_captions,
    parse_chapters,
    render_captions,
    render_chapters,
)
from media.errors import UnreadableText

MINUTE: Final = timedelta(minutes=1)
SRT: Final = (
    "1\r\n00:00:01,500 --> 00:00:03,000\r\nHallo <i>allemaal</i> &amp; welkom\r\n\r\n\r\n"
    "2\r\n00:00:04,000 --> 00:00:05,000\r\neerste\r\ntweede\r\n"
)


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _texts(data: bytes) -> list[str]:
    return [cue.text for cue in parse_captions(data, MINUTE)]


def test_subrip_becomes_cues() -> None:
    assert parse_captions(SRT.encode(), MINUTE) == (
        Cue(starts=_seconds(1.5), ends=_seconds(3), text="Hallo allemaal & welkom"),
        Cue(starts=_seconds(4), ends=_seconds(5), text="eerste\ntweede"),
    )


def test_webvtt_is_written() -> None:
    assert render_captions(parse_captions(SRT.encode(), MINUTE)).decode() == (
        "WEBVTT\n\n00:00:01.500 --> 00:00:03.000\nHallo allemaal &amp; welkom\n\n"
        "00:00:04.000 --> 00:00:05.000\neerste\ntweede\n"
    )


def test_styles_and_notes_are_left_out_and_the_speaker_is_kept() -> None:
    vtt = (
        "WEBVTT kind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE a --> b\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n<v.loud Anna de Wit>Hoi\n"
    )
    (cue,) = parse_captions(vtt.encode(), MINUTE)
    assert (cue.text, cue.speaker) == ("Hoi", "Anna de Wit")


def test_markup_in_a_transcript_does_not_come_out_as_markup() -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,000\n&lt;script&gt; a --&gt; b\n"
    vtt = render_captions(parse_captions(srt.encode(), MINUTE)).decode()
    assert "&lt;script&gt; a --&gt; b" in vtt
    assert vtt.count("-->") == 1


def test_plain_text_is_spread_by_the_length_of_its_sentences() -> None:
    cues = parse_captions(b"Tien tekens. 10\n\n0123456789 01234", MINUTE)
    assert [(cue.starts, cue.text) for cue in cues] == [
        (_seconds(0), "Tien tekens."),
        (_seconds(60 * 12 / 30), "10"),
        (_seconds(60 * 14 / 30), "0123456789 01234"),
    ]
    assert cues[-1].ends == MINUTE


def test_long_sentence_is_cut_at_a_space() -> None:
    assert all(len(text) <= 160 for text in _texts(b"woord " * 200))
    assert " ".join(_texts(b"woord " * 200)) == ("woord " * 200).strip()


@pytest.mark.parametrize(
    "data",
    ["één".encode(), "\ufeffeen\u0301e\u0301n".encode(), "één".encode("utf-16"), b"\xe9\xe9n"],
)
def test_text_in_any_usual_encoding_is_read(data: bytes) -> None:
    assert len(_texts(data)) == 1
    assert "\ufeff" not in _texts(data)[0]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", None),
        (b"WEBVTT\n\n", None),
        (b"\0\1\2", None),
        (b"1\n\n\n2\nxx --> 00:00:01,000\nhoi", 5),
        (b"1\n00:00:02,000 --> 00:00:01,000\nhoi", 2),
        (b"00:00:61,000 --> 00:02:00,000\nhoi", 1),
        (b"x" * 4_000_001, None),
    ],
)
def test_bad_captions_are_told_with_their_line(data: bytes, line: int | None) -> None:
    with pytest.raises(UnreadableText) as told:
        parse_captions(data, MINUTE)
    assert told.value.line == line


@given(data=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_captions_are_read_or_refused(data: bytes) -> None:
    try:
        cues = parse_captions(data, MINUTE)
    except UnreadableText:
        return
    assert render_captions(cues).startswith(b"WEBVTT\n")


words = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1)
times = st.integers(0, 86_400_000).map(lambda value: timedelta(milliseconds=value))
cues = st.builds(lambda at, text: Cue(starts=at, ends=at + MINUTE, text=text), times, words)


@given(written=st.lists(cues, min_size=1, max_size=5))
def test_what_was_written_is_read_back(written: list[Cue]) -> None:
    ordered = sorted(written, key=lambda cue: cue.starts)
    assert parse_captions(render_captions(ordered), MINUTE) == tuple(ordered)


def test_chapters_in_lines_are_read() -> None:
    text = b"00:00 Begin\n\n(1:02) - Tweede <https://example.org/a>\n1:02:03.5 Slot\n"
    assert parse_chapters(text) == (
        Chapter(starts=_seconds(0), title="Begin"),
        Chapter(starts=_seconds(62), title="Tweede", url="https://example.org/a"),
        Chapter(starts=_seconds(3723.5), title="Slot"),
    )


def test_chapters_are_written_as_json_1_2_0_in_order() -> None:
    chapters = [
        Chapter(starts=_seconds(62.5), title="Twee", ends=_seconds(70), is_listed=False),
        Chapter(starts=_seconds(0), title="Één", url="https://x.nl", image_url="https://x.nl/i"),
    ]
    assert json.loads(render_chapters(chapters)) == {
        "version": "1.2.0",
        "chapters": [
            {"startTime": 0, "title": "Één", "url": "https://x.nl", "img": "https://x.nl/i"},
            {"startTime": 62.5, "title": "Twee", "endTime": 70, "toc": False},
        ],
    }


def test_json_chapters_are_read_back() -> None:
    chapters = parse_chapters(b"0:00 Een\n1:00 Twee")
    assert parse_chapters(render_chapters(chapters)) == chapters


def test_chapter_with_a_script_for_an_address_loses_the_address() -> None:
    document = {"chapters": [{"startTime": 0, "title": "x", "url": "javascript:alert(1)"}]}
    (chapter,) = parse_chapters(json.dumps(document).encode())
    assert chapter.url is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"{}",
        b"{",
        b'{"chapters": {}}',
        b'{"chapters": [1]}',
        b'{"chapters": [{"startTime": true}]}',
        b'{"chapters": [{"startTime": NaN}]}',
        b'{"chapters": [{"startTime": -1}]}',
        b"0:00 a\n" * 1001,
    ],
)
def test_bad_chapters_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableText):
        parse_chapters(data)


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_chapters_are_read_or_refused(data: bytes) -> None:
    try:
        render_chapters(parse_chapters(data))
    except UnreadableText:
        return
