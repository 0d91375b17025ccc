"""Every finding has its words in both languages, and the catalogues are what the code says."""

import gettext
import io
import re
import string
from pathlib import Path
from typing import IO, Final

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

import media
from media.audio import AudioFormat
from media.findings import Code, Finding, Severity, Value
from media.sentences import FORMATS, MINUTES, SECONDS, SENTENCES
from media.words import LANGUAGES, sentence

LOCALE: Final = Path(media.__file__).parent / "locale"
MSGIDS: Final = {
    *(part for parts in SENTENCES.values() for part in parts),
    *FORMATS.values(),
    MINUTES,
}
VALUES: Final[dict[str, Value]] = {
    "at_seconds": 432, "lost_seconds": 12, "silence_seconds": 75, "held_seconds": 432,
    "claimed_seconds": 870, "length_seconds": 3723, "target_seconds": 900,
    "shortest_seconds": 600, "longest_seconds": 1200, "size_bytes": 600_000_000,
    "limit_bytes": 500_000_000, "loudness_lufs": -23.4, "peak_db": 0.3, "bitrate_bps": 24_000,
    "lowest_bps": 32_000, "rate_hz": 22_050, "channels": 6, "title": "Les {1}", "format": "wav",
    "ending": "mp3", "extension": "m4a", "kind": "GIF", "width": 100, "height": 90,
    "smallest": 1400, "largest": 3000,
}  # fmt: skip


def _finding(code: str, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.NOTE, values=values)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(Code))
def test_every_finding_has_words(code: Code, language: str) -> None:
    text = sentence(_finding(code, **VALUES, largest_px=3000), language)
    assert text.endswith(".")
    assert len(text) > 40
    assert not re.search(r"\{(?!1\})", text)


@pytest.mark.parametrize("audio_format", list(AudioFormat))
def test_every_format_has_a_name(audio_format: AudioFormat) -> None:
    assert FORMATS[audio_format]


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_every_text_and_nothing_else(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "media.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    ids = {message.id for message in catalogue if message.id}
    assert ids == {*MSGIDS, SECONDS}
    assert all(message.string and not message.fuzzy for message in catalogue if message.id)


@pytest.mark.parametrize("msgid", sorted(MSGIDS))
def test_translation_keeps_the_placeholders(msgid: str) -> None:
    dutch = gettext.translation("media", LOCALE, languages=["nl"]).gettext(msgid)
    assert _placeholders(dutch) == _placeholders(msgid)
    assert dutch != msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_the_written_one(language: str) -> None:
    folder = LOCALE / language / "LC_MESSAGES"
    compiled = io.BytesIO()
    with (folder / "media.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    with (folder / "media.mo").open("rb") as file:
        assert messages_in(file) == messages_in(compiled)


def messages_in(compiled: IO[bytes]) -> list[tuple[object, object]]:
    """All but the first, which says what wrote the file, and when."""
    return [(message.id, message.string) for message in read_mo(compiled) if message.id]


def test_it_speaks_like_a_colleague() -> None:
    finding = _finding(Code.CUT_OFF, held_seconds=432, claimed_seconds=870)
    assert sentence(finding, "en") == (
        "This file stops after 7:12 of 14:30. It looks cut off while exporting."
        " Export it again and drop it here."
    )


@pytest.mark.parametrize(
    ("language", "loudness"),
    [("nl", "−23,4 LUFS"), ("en", "−23.4 LUFS")],  # noqa: RUF001
)
def test_numbers_are_written_as_the_language_does(language: str, loudness: str) -> None:
    finding = _finding(Code.TOO_QUIET, loudness_lufs=-23.4, target_lufs=-16.0)
    assert loudness in sentence(finding, language)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 seconde stilte"), (59, "59 seconden"), (60, "1:00 minuten")]
)
def test_stretches_are_told_in_seconds_then_minutes(seconds: int, words: str) -> None:
    finding = _finding(Code.SILENCE_AT_START, at_seconds=0, silence_seconds=seconds)
    assert words in sentence(finding, "nl")


def test_hours_are_written_out() -> None:
    finding = _finding(Code.NO_LENGTH, length_seconds=3723)
    assert "1:02:03" in sentence(finding, "en")


def test_title_with_braces_is_said_as_it_is() -> None:
    assert "“{0.x} %s”" in sentence(_finding(Code.TITLE_CLASH, title="{0.x} %s"), "nl")


@pytest.mark.parametrize(
    ("language", "start"), [("nl-BE", "Dit"), ("nl_NL", "Dit"), ("en-GB", "This"), ("fr", "This")]
)
def test_language_tag_finds_its_catalogue_or_english(language: str, start: str) -> None:
    assert sentence(_finding(Code.EMPTY), language).startswith(start)
