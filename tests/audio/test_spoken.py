"""The recordings that ship for the turns of a subscription, judged as we judge those of owners."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import mutagen
import pytest

from app.services.lessons import ID_LETTERS
from app.spoken import EDITION, SpokenFile, all_shipped, own_id, shipped_id, shown, texts
from feeds.messages import TurnKind, title_of
from feeds.words import LANGUAGES
from media.audio import AudioFormat
from media.decode import decode
from media.ffmpeg import find_ffmpeg
from media.findings import Severity
from media.limits import DecodeLimits
from media.probe import probe
from media.rules import Expectations, full_findings

SHIPPED: Final = all_shipped()
EXPECTED: Final = Expectations(target=timedelta(seconds=14), tolerance=timedelta(seconds=6))


@pytest.fixture(params=SHIPPED, ids=lambda file: file.name)
def file(request: pytest.FixtureRequest) -> SpokenFile:
    found: SpokenFile = request.param
    return found


@pytest.fixture
def path(file: SpokenFile) -> Iterator[Path]:
    with as_file(files("app.spoken") / file.name) as path:
        yield path


def test_verdict_on_what_ships_is_as_we_would_have_it_from_owners(
    file: SpokenFile, path: Path
) -> None:
    with path.open("rb") as content:
        facts = probe(content, path.name, file.size_bytes)
    decoded = decode(path, AudioFormat.MP3, find_ffmpeg(), DecodeLimits())
    found = full_findings(facts, decoded, EXPECTED)
    assert [each for each in found if each.severity is not Severity.NOTE] == []


def test_list_says_what_the_file_is(file: SpokenFile, path: Path) -> None:
    content = path.read_bytes()
    assert (file.size_bytes, file.etag) == (
        len(content),
        f'"{hashlib.sha256(content).hexdigest()}"',
    )
    assert abs(mutagen.File(path).info.length * 1000 - file.duration_ms) < 200
    assert file.read() == content


def test_file_is_small_mono_and_tagged_as_its_item_is_called(file: SpokenFile, path: Path) -> None:
    sound = mutagen.File(path)
    assert (sound.info.channels, sound.info.sketchy) == (1, False)
    # the header counts sound and padding a little differently than the clock
    assert sound.info.bitrate == pytest.approx(64_000, rel=0.001)
    assert str(sound.tags["TIT2"]) == title_of(file.kind, file.language)
    assert file.size_bytes < 200_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_turn_is_said_in_every_language(language: str) -> None:
    assert {shown(kind, language).number for kind in TurnKind} == {EDITION}
    assert set(texts(language)) == set(TurnKind)


def test_other_languages_hear_english() -> None:
    assert shown(TurnKind.WELCOME, "fy").language == "en"
    assert shown(TurnKind.WELCOME, "nl-BE").language == "nl"


def test_no_lesson_can_have_the_id_of_a_turn() -> None:
    ids = [shipped_id(kind, language) for kind in TurnKind for language in LANGUAGES]
    ids += [own_id(kind) for kind in TurnKind]
    assert len(set(ids)) == len(ids) == 24
    for each in ids:
        assert len(each) == 8
        assert set(each) - set(ID_LETTERS)


def test_nothing_lies_in_the_folder_that_no_address_gives() -> None:
    folder = files("app.spoken")
    found = {
        f"{language}/{entry.name}"
        for language in LANGUAGES
        for entry in (folder / language).iterdir()
    }
    assert found == {file.name for file in SHIPPED}


def test_texts_do_not_shout_and_name_no_feed() -> None:
    for language in LANGUAGES:
        for text in texts(language).values():
            assert "!" not in text
            assert "feed" not in text.casefold()
