"""What facts about a recording mean: findings. Pure, no I/O.

The verdicts are those of the table "Audio that must be judged right" in the project's contract with
podcast apps; every row is a test with a real file.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from media.audio import AudioFacts, AudioFormat, DecodeFacts, Stretch
from media.findings import Code, Finding, Severity, Value
from media.limits import (
    CUT_RATIO,
    GLUED_RATIO,
    HIGHEST_PEAK_DB,
    LARGEST_FILE_BYTES,
    LENGTH_TOLERANCE,
    LESSON_TARGET,
    LESSON_TOLERANCE,
    LONG_EDGE_SILENCE,
    LONG_INNER_SILENCE,
    LOST_SOUND_SILENCE,
    LOUDNESS_TOLERANCE_LU,
    LOWEST_MONO_BPS,
    LOWEST_POSSIBLE_BPS,
    LOWEST_STEREO_BPS,
    MISSING_RATIO,
    SHORTEST_DAMAGE,
    TARGET_LUFS,
    USUAL_SAMPLE_RATES_HZ,
)

_STEREO: Final = 2
# kinds with words of their own
_TALKED_OF_ALONE: Final = frozenset({AudioFormat.ALAC, AudioFormat.VIDEO, AudioFormat.PROJECT})
# endings that promise a kind we accept
_ACCEPTED_ENDINGS: Final = AudioFormat.MP3.extensions | AudioFormat.M4A.extensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What a course expects of a recording."""

    target: timedelta = LESSON_TARGET
    tolerance: timedelta = LESSON_TOLERANCE
    existing_titles: frozenset[str] = frozenset()
    """Titles of the other lessons of the course."""
    title: str | None = None
    """The title the lesson will get; None: the one in the tags."""
    max_bytes: int = LARGEST_FILE_BYTES


def first_findings(facts: AudioFacts, expectations: Expectations) -> tuple[Finding, ...]:
    """What a first look at headers and tags has to say; a reason to refuse stands alone."""
    refusal = _refusal(facts, expectations) or _length_refusal(facts)
    if refusal:
        return (refusal,)
    duration = _claimed(facts) if _is_believable(facts) else None
    return (*_length(duration, expectations), *_properties(facts, duration, expectations))


def full_findings(
    facts: AudioFacts, decoded: DecodeFacts, expectations: Expectations
) -> tuple[Finding, ...]:
    """What is to be said once the recording was heard to the end; replaces the first findings."""
    refusal = _refusal(facts, expectations) or _heard_refusal(facts, decoded)
    if refusal:
        return (refusal,)
    return (
        *_glitch(decoded),
        *_loudness(decoded),
        *_length(decoded.duration, expectations),
        *_silence(decoded),
        *_header(facts, decoded),
        *_properties(facts, decoded.duration, expectations),
    )


def _refuse(code: Code, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.REFUSE, values=values)


def _warn(code: Code, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.WARN, values=values)


def _note(code: Code, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.NOTE, values=values)


# --- the wrong file


def _refusal(facts: AudioFacts, expectations: Expectations) -> Finding | None:
    """Why this file cannot be used, whatever it sounds like."""
    if facts.format is AudioFormat.EMPTY:
        return _refuse(Code.EMPTY)
    if facts.size_bytes > expectations.max_bytes:
        return _refuse(
            Code.TOO_BIG, size_bytes=facts.size_bytes, limit_bytes=expectations.max_bytes
        )
    if facts.is_encrypted:
        return _refuse(Code.PROTECTED)
    return _wrong_sound(facts) if facts.format.is_accepted else _wrong_kind(facts)


def _wrong_sound(facts: AudioFacts) -> Finding | None:
    """What is wrong with a file of a kind that we accept."""
    if not facts.is_readable:
        code = Code.CUT_OFF_UNKNOWN if facts.is_cut else Code.UNREADABLE
        return _refuse(code, format=facts.format.value)
    ending, extension = facts.declared_extension, facts.format.extension
    if not ending or ending in facts.format.extensions:
        return None
    return _refuse(Code.WRONG_ENDING, format=facts.format.value, ending=ending, extension=extension)


def _wrong_kind(facts: AudioFacts) -> Finding:
    """Which of the kinds that we cannot use it is."""
    kind, ending = facts.format, facts.declared_extension
    if kind is AudioFormat.UNKNOWN:
        return _refuse(Code.NOT_AUDIO)
    if kind in _TALKED_OF_ALONE:
        return _refuse(Code(kind.value))
    if not kind.is_sound:
        return _refuse(Code.NOT_SOUND, format=kind.value)
    if ending in _ACCEPTED_ENDINGS:
        return _refuse(Code.DISGUISED, format=kind.value, ending=ending)
    return _refuse(Code.WRONG_FORMAT, format=kind.value)


# --- the wrong length


def _length_refusal(facts: AudioFacts) -> Finding | None:
    """What sizes alone tell: announced sound divided by sound that is there."""
    held = facts.size_bytes - facts.tags.size_bytes
    if not facts.sound_bytes or not facts.duration:
        return None
    ratio = facts.sound_bytes / max(1, held)
    estimate = facts.duration / ratio
    is_less = ratio >= CUT_RATIO and facts.sound_bytes > facts.size_bytes
    if is_less or (facts.is_cut and ratio > 1):
        return _cut_off(held=min(estimate, facts.duration), claimed=facts.duration)
    if ratio <= GLUED_RATIO and facts.format is AudioFormat.MP3:
        return _glued(held=estimate, claimed=facts.duration)
    return None


def _heard_refusal(facts: AudioFacts, decoded: DecodeFacts) -> Finding | None:
    """What was heard that makes the recording useless."""
    if not decoded.is_finished:
        return _refuse(Code.CHECK_STOPPED)
    if not decoded.duration:
        return _refuse(Code.UNREADABLE, format=facts.format.value)
    return _wrong_length(facts, decoded) or _damage(facts, decoded) or _all_silent(decoded)


def _wrong_length(facts: AudioFacts, decoded: DecodeFacts) -> Finding | None:
    """Cut off, or two in one."""
    claimed = _claimed(facts)
    if claimed is None:
        return None
    held = facts.size_bytes - facts.tags.size_bytes
    announced = facts.sound_bytes or held
    is_missing = facts.is_cut or announced > held * MISSING_RATIO
    if is_missing and claimed - decoded.duration >= LENGTH_TOLERANCE:
        return _cut_off(held=decoded.duration, claimed=claimed)
    has_more = announced <= held * GLUED_RATIO
    if has_more and decoded.duration * GLUED_RATIO >= claimed:
        return _glued(held=decoded.duration, claimed=claimed)
    return None


def _damage(facts: AudioFacts, decoded: DecodeFacts) -> Finding | None:
    """Sound that is there but cannot be heard."""
    if decoded.damaged_at is None:
        return None
    lost = max(
        decoded.lost_packets * decoded.packet_length,
        decoded.scanned - decoded.duration,
        (_claimed(facts) or timedelta(0)) - decoded.duration,
        _junk_length(facts, decoded),
    )
    if lost < SHORTEST_DAMAGE:
        return None
    return _refuse(Code.DAMAGED, at_seconds=_whole(decoded.damaged_at), lost_seconds=_whole(lost))


def _junk_length(facts: AudioFacts, decoded: DecodeFacts) -> timedelta:
    """How long the bytes that are no sound might have sounded.

    Only where no header tells the length: behind a complete recording, bytes that are no sound are
    harmless.
    """
    sound_bytes = facts.size_bytes - facts.tags.size_bytes - decoded.junk_bytes
    if _claimed(facts) is not None or sound_bytes <= 0:
        return timedelta(0)
    return decoded.duration * (decoded.junk_bytes / sound_bytes)


def _all_silent(decoded: DecodeFacts) -> Finding | None:
    return _refuse(Code.SILENT) if decoded.loudness_lufs is None else None


def _claimed(facts: AudioFacts) -> timedelta | None:
    """The length that a header announces; an estimate announces nothing."""
    return None if facts.is_duration_estimated else facts.duration


def _is_believable(facts: AudioFacts) -> bool:
    """Whether the claimed length leaves enough bits for the worst of sound."""
    bits = (facts.size_bytes - facts.tags.size_bytes) * 8
    return bits >= (facts.duration or timedelta(0)).total_seconds() * LOWEST_POSSIBLE_BPS


def _cut_off(*, held: timedelta, claimed: timedelta) -> Finding:
    return _refuse(Code.CUT_OFF, held_seconds=_whole(held), claimed_seconds=_whole(claimed))


def _glued(*, held: timedelta, claimed: timedelta) -> Finding:
    return _refuse(Code.GLUED, held_seconds=_whole(held), claimed_seconds=_whole(claimed))


# --- usable, with something to say


def _length(duration: timedelta | None, expectations: Expectations) -> Iterator[Finding]:
    """Too long or too short for the course; a length on the edge is fine."""
    # in whole seconds, as people read it: nobody is warned about a padding of milliseconds
    duration = None if duration is None else timedelta(seconds=_whole(duration))
    if duration is None or abs(duration - expectations.target) <= expectations.tolerance:
        return
    is_long = duration > expectations.target
    yield _warn(
        Code.TOO_LONG if is_long else Code.TOO_SHORT,
        length_seconds=_whole(duration),
        target_seconds=_whole(expectations.target),
        shortest_seconds=_whole(max(timedelta(0), expectations.target - expectations.tolerance)),
        longest_seconds=_whole(expectations.target + expectations.tolerance),
    )


def _glitch(decoded: DecodeFacts) -> Iterator[Finding]:
    """A click; at the very end nobody hears it."""
    at = decoded.damaged_at
    if at is not None and decoded.duration - at > SHORTEST_DAMAGE:
        yield _warn(Code.GLITCH, at_seconds=_whole(at))


def _loudness(decoded: DecodeFacts) -> Iterator[Finding]:
    loudness = decoded.loudness_lufs
    if loudness is not None and loudness < TARGET_LUFS - LOUDNESS_TOLERANCE_LU:
        yield _warn(Code.TOO_QUIET, loudness_lufs=loudness, target_lufs=TARGET_LUFS)
    if loudness is not None and loudness > TARGET_LUFS + LOUDNESS_TOLERANCE_LU:
        yield _warn(Code.TOO_LOUD, loudness_lufs=loudness, target_lufs=TARGET_LUFS)
    if decoded.peak_db is not None and decoded.peak_db > HIGHEST_PEAK_DB:
        yield _warn(Code.PEAKS, peak_db=decoded.peak_db, limit_db=HIGHEST_PEAK_DB)


def _silence(decoded: DecodeFacts) -> Iterator[Finding]:
    """Long silences: before the first word, behind the last, and the longest between them."""
    last = decoded.duration - LENGTH_TOLERANCE
    starting = [each for each in decoded.silences if each.starts <= LENGTH_TOLERANCE]
    # What is too soft from beginning to end is said once.
    ending = [each for each in decoded.silences if each.ends >= last and each not in starting]
    inner = [each for each in decoded.silences if each not in (*starting, *ending)]
    for each in starting:
        if each.length >= LONG_EDGE_SILENCE:
            yield _silent(Code.SILENCE_AT_START, each)
    for each in ending:
        if each.length >= LONG_EDGE_SILENCE:
            yield _silent(Code.SILENCE_AT_END, each)
    longest = max(inner, key=lambda each: each.length, default=None)
    if longest and longest.length >= LONG_INNER_SILENCE:
        yield _silent(Code.SILENCE_INSIDE, longest)


def _silent(code: Code, stretch: Stretch) -> Finding:
    """A silence so long that it may be sound that was lost is worth a warning."""
    say = _warn if stretch.length >= LOST_SOUND_SILENCE else _note
    return say(code, at_seconds=_whole(stretch.starts), silence_seconds=_whole(stretch.length))


def _header(facts: AudioFacts, decoded: DecodeFacts) -> Iterator[Finding]:
    """A header that is missing or wrong: we go by what was heard."""
    length = _whole(decoded.duration)
    claimed = _claimed(facts)
    if claimed is None and not _is_estimate_right(facts, decoded):
        yield _note(Code.NO_LENGTH, length_seconds=length)
    elif claimed is not None and abs(claimed - decoded.duration) > LENGTH_TOLERANCE:
        yield _note(Code.WRONG_LENGTH, length_seconds=length, claimed_seconds=_whole(claimed))


def _is_estimate_right(facts: AudioFacts, decoded: DecodeFacts) -> bool:
    """Without a header, players estimate the length as we do: right if the bit rate is constant."""
    estimated = facts.duration or timedelta(0)
    return abs(estimated - decoded.duration) <= LENGTH_TOLERANCE


def _properties(
    facts: AudioFacts, duration: timedelta | None, expectations: Expectations
) -> Iterator[Finding]:
    """What headers and tags say that is good to know."""
    title = expectations.title or facts.title
    if title and _folded(title) in {_folded(other) for other in expectations.existing_titles}:
        yield _warn(Code.TITLE_CLASH, title=title)
    if facts.channels and facts.channels > _STEREO:
        yield _note(Code.SURROUND, channels=facts.channels)
    if facts.sample_rate_hz and facts.sample_rate_hz not in USUAL_SAMPLE_RATES_HZ:
        yield _note(Code.ODD_SAMPLE_RATE, rate_hz=facts.sample_rate_hz)
    yield from _bitrate(facts, duration)
    if not facts.has_cover:
        yield _note(Code.NO_COVER)


def _bitrate(facts: AudioFacts, duration: timedelta | None) -> Iterator[Finding]:
    """Too few bits for speech in an MP3; AAC does well with much less."""
    if not duration or facts.format is not AudioFormat.MP3:
        return
    sound_bytes = facts.size_bytes - facts.tags.size_bytes
    bitrate = round(sound_bytes * 8 / duration.total_seconds())
    lowest = LOWEST_MONO_BPS if facts.channels == 1 else LOWEST_STEREO_BPS
    # frames are padded to whole bytes: a nominal 64,000 comes out a little under or over
    if bitrate < lowest * 0.98:
        yield _note(Code.LOW_BITRATE, bitrate_bps=bitrate, lowest_bps=lowest)


def _folded(title: str) -> str:
    """How titles are compared: podcast apps take "Les 1" and "les  1" for the same."""
    return " ".join(unicodedata.normalize("NFKC", title).casefold().split())


def _whole(length: timedelta) -> int:
    """A length in whole seconds."""
    return round(length.total_seconds())
