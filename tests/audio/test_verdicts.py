"""Every row of the table of audio that must be judged right, on real files."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from media.audio import AudioFacts
from media.decode import decode
from media.ffmpeg import find_ffmpeg
from media.findings import Code, Finding, Severity, Verdict, verdict_of
from media.limits import DecodeLimits
from media.probe import probe
from media.rules import Expectations, first_findings, full_findings
from media.words import sentence
from tests.parts.audio_files import AudioFiles

MINUTE: Final = Expectations(target=timedelta(seconds=60), tolerance=timedelta(seconds=5))


def _look(path: Path) -> AudioFacts:
    with path.open("rb") as file:
        return probe(file, path.name, path.stat().st_size)


def _first(path: Path, expectations: Expectations = MINUTE) -> tuple[Finding, ...]:
    return first_findings(_look(path), expectations)


def _full(path: Path, expectations: Expectations = MINUTE) -> tuple[Finding, ...]:
    facts = _look(path)
    decoded = decode(path, facts.format, find_ffmpeg(), DecodeLimits())
    return full_findings(facts, decoded, expectations)


def _codes(findings: tuple[Finding, ...]) -> set[str]:
    return {each.code for each in findings if each.code != Code.NO_COVER}


@pytest.mark.parametrize(
    "name", ["cbr.mp3", "vbr.mp3", "cbr-without-header.mp3", "faststart.m4a", "plain.m4a"]
)
def test_good_file_is_accepted_without_remarks(audio_files: AudioFiles, name: str) -> None:
    assert _codes(_first(audio_files[name])) == set()
    assert _codes(_full(audio_files[name])) == set()


def test_vbr_without_header_is_accepted_with_the_length_that_was_heard(
    audio_files: AudioFiles,
) -> None:
    path = audio_files["vbr-without-header.mp3"]
    facts = _look(path)
    assert facts.is_duration_estimated
    assert facts.duration is not None
    assert abs(facts.duration.total_seconds() - 60) > 20
    assert verdict_of(_first(path)) is Verdict.ACCEPT
    findings = _full(path)
    assert verdict_of(findings) is not Verdict.REFUSE
    (note,) = [each for each in findings if each.code == Code.NO_LENGTH]
    assert note.values["length_seconds"] == 60


def test_lying_header_is_accepted_with_the_length_that_was_heard(audio_files: AudioFiles) -> None:
    path = audio_files["lying.mp3"]
    assert _look(path).duration == timedelta(seconds=6002, microseconds=938776)
    assert verdict_of(_first(path)) is Verdict.ACCEPT
    findings = _full(path)
    assert verdict_of(findings) is Verdict.ACCEPT
    (note,) = [each for each in findings if each.code == Code.WRONG_LENGTH]
    assert dict(note.values) == {"length_seconds": 60, "claimed_seconds": 6003}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("half.mp3", Code.CUT_OFF),
        ("half-vbr.mp3", Code.CUT_OFF),
        ("half-of-tagged.mp3", Code.CUT_OFF),
        ("glued.mp3", Code.GLUED),
        ("half-faststart.m4a", Code.CUT_OFF),
        ("half-plain.m4a", Code.CUT_OFF_UNKNOWN),
        ("page.mp3", Code.NOT_SOUND),
        ("playlist.mp3", Code.NOT_SOUND),
        ("empty.mp3", Code.EMPTY),
        ("random.mp3", Code.NOT_AUDIO),
        ("wav-named.mp3", Code.DISGUISED),
        ("m4a-named.mp3", Code.WRONG_ENDING),
        ("mp3-named.m4a", Code.WRONG_ENDING),
        ("lossless.m4a", Code.ALAC),
        ("video.mp4", Code.VIDEO),
        ("locked.m4a", Code.PROTECTED),
        ("speech.wav", Code.WRONG_FORMAT),
        ("lesson.flac", Code.WRONG_FORMAT),
        ("lesson.ogg", Code.WRONG_FORMAT),
        ("lesson.aiff", Code.WRONG_FORMAT),
        ("lesson.aac", Code.WRONG_FORMAT),
        ("lesson.mp2", Code.WRONG_FORMAT),
    ],
)
def test_first_look_refuses(audio_files: AudioFiles, name: str, code: Code) -> None:
    (finding,) = _first(audio_files[name])
    assert (finding.code, finding.severity) == (code, Severity.REFUSE)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("half.mp3", Code.CUT_OFF),
        ("half-vbr.mp3", Code.CUT_OFF),
        ("glued.mp3", Code.GLUED),
        ("noise.mp3", Code.DAMAGED),
        ("zeros.mp3", Code.DAMAGED),
        ("half-faststart.m4a", Code.CUT_OFF),
        ("noise.m4a", Code.DAMAGED),
        ("silent.mp3", Code.SILENT),
    ],
)
def test_hearing_it_all_refuses(audio_files: AudioFiles, name: str, code: Code) -> None:
    (finding,) = _full(audio_files[name])
    assert (finding.code, finding.severity) == (code, Severity.REFUSE)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("click.mp3", Code.GLITCH),
        ("quiet.mp3", Code.TOO_QUIET),
        ("loud.mp3", Code.TOO_LOUD),
        ("loud.mp3", Code.PEAKS),
        ("telephone.mp3", Code.LOW_BITRATE),
        ("telephone.mp3", Code.ODD_SAMPLE_RATE),
        ("pauses.mp3", Code.SILENCE_AT_START),
        ("pauses.mp3", Code.SILENCE_INSIDE),
        ("pauses.mp3", Code.SILENCE_AT_END),
    ],
)
def test_hearing_it_all_remarks(audio_files: AudioFiles, name: str, code: Code) -> None:
    findings = _full(audio_files[name])
    assert code in _codes(findings)
    assert verdict_of(findings) is not Verdict.REFUSE


def test_mono_file_at_the_target_is_at_the_target(audio_files: AudioFiles) -> None:
    assert _codes(_full(audio_files["mono.mp3"])) == set()


def test_quarter_of_an_hour_fits_the_default_course(audio_files: AudioFiles) -> None:
    assert _codes(_first(audio_files["quarter.mp3"], Expectations())) == set()


def test_a_minute_is_too_short_for_the_default_course(audio_files: AudioFiles) -> None:
    findings = _first(audio_files["cbr.mp3"], Expectations())
    assert verdict_of(findings) is Verdict.WARN
    assert _codes(findings) == {Code.TOO_SHORT}


def test_cut_off_file_is_told_where_it_stops(audio_files: AudioFiles) -> None:
    (finding,) = _full(audio_files["half.mp3"])
    assert sentence(finding, "nl").startswith("Dit bestand stopt na 0:30 van 1:00.")


def test_damage_is_told_where_it_begins(audio_files: AudioFiles) -> None:
    (finding,) = _full(audio_files["zeros.mp3"])
    assert sentence(finding, "en").startswith(
        "This file is damaged from 0:30 on: about 30 seconds of it cannot be heard."
    )
