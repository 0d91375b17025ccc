"""Facts become findings; boundaries sit on the second and on the tenth of a decibel."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from media.audio import AudioFacts, AudioFormat, BitrateMode, DecodeFacts, Stretch, Tags
from media.findings import Code, Finding, Severity, Verdict, finding_from_json, verdict_of
from media.rules import Expectations, first_findings, full_findings

QUARTER: Final = timedelta(minutes=15)
GOOD: Final = AudioFacts(
    file_name="les-1.mp3",
    size_bytes=14_400_100,
    format=AudioFormat.MP3,
    duration=QUARTER,
    sound_bytes=14_400_000,
    bitrate_bps=128_000,
    bitrate_mode=BitrateMode.CONSTANT,
    sample_rate_hz=44_100,
    channels=2,
    tags=Tags(title="Les 1", size_bytes=100, cover_bytes=1),
)
HEARD: Final = DecodeFacts(
    scanned=QUARTER,
    duration=QUARTER,
    packet_length=timedelta(milliseconds=26),
    loudness_lufs=-16.0,
    peak_db=-1.0,
)


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _codes(findings: tuple[Finding, ...]) -> list[str]:
    return [each.code for each in findings]


def _first(facts: AudioFacts, expectations: Expectations | None = None) -> list[str]:
    return _codes(first_findings(facts, expectations or Expectations()))


def _full(
    heard: DecodeFacts, facts: AudioFacts = GOOD, expectations: Expectations | None = None
) -> list[str]:
    return _codes(full_findings(facts, heard, expectations or Expectations()))


def _lasting(length: timedelta) -> tuple[AudioFacts, DecodeFacts]:
    facts = replace(GOOD, duration=length)
    return facts, replace(HEARD, scanned=length, duration=length)


def test_good_recording_has_no_findings() -> None:
    assert _first(GOOD) == []
    assert _full(HEARD) == []


@pytest.mark.parametrize(
    ("seconds", "codes"),
    [
        (600, []),
        (599, [Code.TOO_SHORT]),
        (1200, []),
        (1200.4, []),
        (1201, [Code.TOO_LONG]),
    ],
)
def test_length_on_the_edge_of_the_tolerance_is_fine(seconds: float, codes: list[Code]) -> None:
    facts, heard = _lasting(_seconds(seconds))
    assert _first(facts) == codes
    assert _full(heard, facts) == codes


def test_course_says_how_long_its_lessons_are() -> None:
    brief = Expectations(target=timedelta(minutes=3), tolerance=timedelta(minutes=1))
    assert _first(GOOD, brief) == [Code.TOO_LONG]


@pytest.mark.parametrize(
    ("loudness", "codes"),
    [(-18.0, []), (-18.1, [Code.TOO_QUIET]), (-14.0, []), (-13.9, [Code.TOO_LOUD])],
)
def test_loudness_may_be_two_off(loudness: float, codes: list[Code]) -> None:
    assert _full(replace(HEARD, loudness_lufs=loudness)) == codes


@pytest.mark.parametrize(("peak", "codes"), [(-1.0, []), (-0.9, [Code.PEAKS]), (None, [])])
def test_peak_may_reach_the_limit(peak: float | None, codes: list[Code]) -> None:
    assert _full(replace(HEARD, peak_db=peak)) == codes


def test_recording_without_loudness_is_refused_as_silent() -> None:
    assert _full(replace(HEARD, loudness_lufs=None)) == [Code.SILENT]


@pytest.mark.parametrize(
    ("starts", "ends", "codes"),
    [
        (0, 4.9, []),
        (0, 5, [Code.SILENCE_AT_START]),
        (100, 114.9, []),
        (100, 115, [Code.SILENCE_INSIDE]),
        (895.1, 900, []),
        (895, 900, [Code.SILENCE_AT_END]),
        (0, 900, [Code.SILENCE_AT_START]),
    ],
)
def test_silences_are_noted_by_their_place(starts: float, ends: float, codes: list[Code]) -> None:
    stretch = Stretch(starts=_seconds(starts), ends=_seconds(ends))
    assert _full(replace(HEARD, silences=(stretch,))) == codes


@pytest.mark.parametrize(("length", "severity"), [(59, Severity.NOTE), (60, Severity.WARN)])
def test_silence_of_a_minute_may_be_lost_sound(length: int, severity: Severity) -> None:
    stretch = Stretch(starts=_seconds(900 - length), ends=QUARTER)
    (finding,) = full_findings(GOOD, replace(HEARD, silences=(stretch,)), Expectations())
    assert finding.severity is severity


def test_size_on_the_limit_is_fine() -> None:
    assert _first(GOOD, Expectations(max_bytes=GOOD.size_bytes)) == []
    assert _first(GOOD, Expectations(max_bytes=GOOD.size_bytes - 1)) == [Code.TOO_BIG]


@pytest.mark.parametrize("title", ["Les 1", "les  1 ", "LES 1", "Les\N{NO-BREAK SPACE}1"])
def test_title_that_apps_take_for_another_clashes(title: str) -> None:
    assert _first(GOOD, Expectations(existing_titles=frozenset({title}))) == [Code.TITLE_CLASH]


def test_title_that_the_lesson_gets_counts_more_than_the_tag() -> None:
    others = frozenset({"Les 1"})
    assert _first(GOOD, Expectations(existing_titles=others, title="Les 2")) == []


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("LES.MP3", []),
        ("les", []),
        ("les.m4a", [Code.WRONG_ENDING]),
        ("les.wav", [Code.WRONG_ENDING]),
        ("les.", []),
    ],
)
def test_ending_of_the_name_must_not_lie(name: str, codes: list[Code]) -> None:
    assert _first(replace(GOOD, file_name=name)) == codes


@pytest.mark.parametrize(
    ("sound_bytes", "codes"),
    [(28_800_000, [Code.CUT_OFF]), (14_500_000, []), (7_200_000, [Code.GLUED])],
)
def test_announced_and_present_sound_must_agree(sound_bytes: int, codes: list[Code]) -> None:
    assert _first(replace(GOOD, sound_bytes=sound_bytes)) == codes


def test_cut_off_of_a_second_is_found_by_hearing() -> None:
    facts = replace(GOOD, sound_bytes=14_416_000)
    heard = replace(HEARD, scanned=_seconds(899), duration=_seconds(899))
    assert _first(facts) == []
    assert _full(heard, facts) == [Code.CUT_OFF]


def test_junk_behind_a_complete_recording_is_no_damage() -> None:
    heard = replace(HEARD, junk_bytes=500_000, damaged_at=QUARTER, lost_packets=1)
    assert _full(heard) == []


def test_junk_in_a_recording_without_header_is_damage() -> None:
    facts = replace(GOOD, is_duration_estimated=True, sound_bytes=None)
    heard = replace(HEARD, junk_bytes=500_000, damaged_at=_seconds(700))
    assert _full(heard, facts) == [Code.DAMAGED]


@pytest.mark.parametrize(("packets", "code"), [(38, Code.GLITCH), (39, Code.DAMAGED)])
def test_a_lost_second_is_damage_and_less_is_a_click(packets: int, code: Code) -> None:
    heard = replace(HEARD, lost_packets=packets, damaged_at=_seconds(100))
    assert _full(heard) == [code]


def test_check_that_a_limit_stopped_refuses() -> None:
    assert _full(DecodeFacts(is_finished=False)) == [Code.CHECK_STOPPED]


def test_recording_in_which_nothing_was_heard_is_unreadable() -> None:
    assert _full(DecodeFacts()) == [Code.UNREADABLE]


def test_surround_is_noted() -> None:
    assert _first(replace(GOOD, channels=6)) == [Code.SURROUND]


def test_gravest_finding_decides() -> None:
    note = Finding(code=Code.NO_COVER, severity=Severity.NOTE)
    warning = Finding(code=Code.TOO_LONG, severity=Severity.WARN)
    refusal = Finding(code=Code.EMPTY, severity=Severity.REFUSE)
    assert verdict_of([]) is Verdict.ACCEPT
    assert verdict_of([note]) is Verdict.ACCEPT
    assert verdict_of([note, warning]) is Verdict.WARN
    assert verdict_of([warning, refusal, note]) is Verdict.REFUSE


def test_finding_that_was_kept_comes_back_as_it_was() -> None:
    (finding,) = first_findings(replace(GOOD, duration=_seconds(60)), Expectations())
    assert finding_from_json(finding.as_json()) == finding


@pytest.mark.parametrize("kept", [{}, {"code": 1, "values": {}}, {"code": "x", "values": {}}])
def test_what_is_no_finding_is_told(kept: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a"):
        finding_from_json(kept)


def test_values_of_a_finding_cannot_be_changed() -> None:
    values: dict[str, str | int | float] = {"a": 1}
    finding = Finding(code=Code.EMPTY, severity=Severity.NOTE, values=values)
    values["a"] = 2
    assert finding.values["a"] == 1
