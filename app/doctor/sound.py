"""Judges how recordings are answered. Pure."""

from collections.abc import Iterator
from typing import Final

from app.doctor.addresses import ending, is_local, is_signed
from app.doctor.fetch import Answer
from app.doctor.limits import PIECE_BYTES
from app.doctor.look import Seen, SoundSeen
from app.doctor.report import Check, Grade
from app.doctor.rules import numbers
from media.audio import AudioFormat
from media.sniff import HEAD_BYTES, sniff

OK: Final = 200
PARTIAL: Final = 206
_MANY_HOPS: Final = 5
_ID3: Final = b"ID3"
_PLAYED: Final = {AudioFormat.MP3, AudioFormat.M4A}
# what plays somewhere, but not in every app
_ODD: Final = {
    AudioFormat.AAC,
    AudioFormat.OGG,
    AudioFormat.FLAC,
    AudioFormat.WAV,
    AudioFormat.VIDEO,
    AudioFormat.MP2,
    AudioFormat.AIFF,
}
_ENDINGS: Final = {AudioFormat.MP3: {"mp3"}, AudioFormat.M4A: {"m4a", "mp4", "m4b", "aac"}}
_TYPES: Final = {
    AudioFormat.MP3: {"audio/mpeg", "audio/mp3"},
    AudioFormat.M4A: {"audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac", "video/mp4"},
}


def judge_sounds(seen: Seen) -> Iterator[Check]:
    """Yield what is to be said of the recordings that were looked at, one after the other."""
    if len(seen.sounds) < seen.wanted_sounds:
        yield Check(
            code="look.stopped",
            grade=Grade.NOTE,
            message=f"Enough was read after {len(seen.sounds)} of {seen.wanted_sounds} recordings.",
            remedy="Look at fewer, with --newest.",
        )
    for sound in seen.sounds:
        yield from _address(sound)
        if _is_there(sound.whole):
            yield from _bytes(sound)
            yield from _head(sound)
            yield from _pieces(sound)
            yield from _ways(sound)
        else:
            yield _check(
                sound,
                "audio.status",
                Grade.FAIL,
                f"GET is answered with {_said(sound.whole)}",
                "Nobody can hear it. Put the file where the feed says it is.",
            )


def sniffed(body: bytes) -> AudioFormat | None:
    """Answer what the beginning of a file is; an ID3 tag, however long, stands before MP3."""
    return AudioFormat.MP3 if body.startswith(_ID3) else sniff(body[:HEAD_BYTES])


def _address(sound: SoundSeen) -> Iterator[Check]:
    url = sound.enclosure.url
    if is_signed(url):
        yield _check(
            sound,
            "audio.signed",
            Grade.FAIL,
            "the address is signed and will expire",
            "Apps keep addresses for months. Put a permanent one in the feed, and redirect.",
        )
    if url.startswith("http://") and not is_local(url):
        yield _check(
            sound, "audio.https", Grade.WARN, "the audio is not on https", "Serve it on https."
        )
    if not sound.enclosure.type.startswith("audio/"):
        yield _check(
            sound,
            "enclosure.type",
            Grade.WARN,
            f"the enclosure's type is {sound.enclosure.type or 'missing'}",
            "Write audio/mpeg or audio/mp4: apps pass over what is no audio.",
        )


def _bytes(sound: SoundSeen) -> Iterator[Check]:
    found = sniffed(sound.whole.body)
    if found in _ODD:
        yield _check(
            sound,
            "audio.format",
            Grade.WARN,
            f"it is {found}, which not every app plays",
            "Use MP3 or AAC in m4a.",
        )
    elif found not in _PLAYED and found is not None:
        yield _check(
            sound,
            "audio.sound",
            Grade.FAIL,
            f"it is no audio but {found}",
            "Answer a refusal with its status, never with 200 and a page.",
        )
    else:
        yield from _names(sound, found)
    if sound.whole.media_type.startswith("text/"):
        yield _check(
            sound,
            "audio.text",
            Grade.WARN,
            f"it is sent as {sound.whole.media_type}",
            "AntennaPod refuses text. Send the type of the audio.",
        )
    yield from _sizes(sound)


def _names(sound: SoundSeen, found: AudioFormat | None) -> Iterator[Check]:
    if found is None:
        return
    named = ending(sound.enclosure.url)
    if named not in _ENDINGS[found]:
        yield _check(
            sound,
            "enclosure.ending",
            Grade.WARN,
            f"it is {found}, but its address ends with {named or 'nothing'!r}",
            f"Let it end with .{found}: Apple Podcasts goes by the ending.",
        )
    said = sound.enclosure.type
    if said.startswith("audio/") and said not in _TYPES[found]:
        yield _check(
            sound,
            "enclosure.kind",
            Grade.WARN,
            f"it is {found}, but the feed says {said}",
            "Write the type that it has.",
        )


def _sizes(sound: SoundSeen) -> Iterator[Check]:
    said, true = sound.enclosure.length, sound.size_bytes
    if true is None:
        yield _check(
            sound,
            "audio.length",
            Grade.WARN,
            "GET does not say how long it is",
            "Send Content-Length, or apps show no progress and cannot resume.",
        )
    elif said and said != true:
        yield _check(
            sound,
            "enclosure.wrong-length",
            Grade.WARN,
            f"the feed says {said} bytes, the server {true}",
            "Write the exact size of the file.",
        )


def _head(sound: SoundSeen) -> Iterator[Check]:
    head = sound.head
    if head.trouble or head.status != OK:
        yield _check(
            sound,
            "audio.head",
            Grade.WARN,
            f"HEAD is answered with {_said(head)}",
            "AntennaPod's player asks HEAD first. Answer it as GET, without the body.",
        )
        return
    if head.length != sound.whole.length and head.length is not None:
        yield _check(
            sound,
            "audio.head-length",
            Grade.WARN,
            f"HEAD says {head.length} bytes, GET {sound.whole.length}",
            "Answer both from the same file.",
        )
    if sound.resolved is not None and not _is_there(sound.resolved):
        yield _check(
            sound,
            "audio.head-redirect",
            Grade.WARN,
            f"HEAD leads to an address that answers GET with {_said(sound.resolved)}",
            "A signature covers the method. Answer HEAD yourself, with 200.",
        )


def _pieces(sound: SoundSeen) -> Iterator[Check]:
    probe = sound.probe
    if probe.status != PARTIAL:
        yield _check(
            sound,
            "audio.range",
            Grade.FAIL,
            f"asked for its first two bytes, it answers {_said(probe)} instead of 206",
            "Apple Podcasts does not play it, and no download can go on. Support Range.",
        )
        return
    said = probe.headers.get("Content-Range", "").lower().replace(" ", "")
    total = sound.size_bytes
    fine = {f"bytes0-1/{total}", "bytes0-1/*"} if total else {said}
    if said not in fine or len(probe.body) != 2 or probe.body != sound.whole.body[:2]:  # noqa: PLR2004
        yield _check(
            sound,
            "audio.content-range",
            Grade.FAIL,
            "asked for its first two bytes, it sends others or says that they are others",
            "Send exactly those, with Content-Range: bytes 0-1/size.",
        )
    if "bytes" not in probe.headers.get("Accept-Ranges", "bytes").lower() or (
        "Accept-Ranges" not in sound.head.headers and "Accept-Ranges" not in sound.whole.headers
    ):
        yield _check(
            sound,
            "audio.accept-ranges",
            Grade.NOTE,
            "it answers ranges, but does not say so",
            "Send Accept-Ranges: bytes.",
        )
    yield from _resume(sound)


def _resume(sound: SoundSeen) -> Iterator[Check]:
    middle, rest = sound.middle, sound.rest
    if middle is not None and rest is not None:
        overlap = middle.body[PIECE_BYTES:]
        is_same = rest.status == PARTIAL and rest.body[: len(overlap)] == overlap
        if not is_same:
            yield _check(
                sound,
                "audio.resume",
                Grade.FAIL,
                "a download that goes on in the middle gets other bytes",
                "Audio at one address must never change: new audio, new address.",
            )
    if sound.same_validator is not None and sound.same_validator.status != PARTIAL:
        yield _check(
            sound,
            "audio.if-range",
            Grade.NOTE,
            "If-Range with its own ETag begins again from the start",
            "Compare If-Range with the ETag.",
        )
    if sound.other_validator is not None and sound.other_validator.status == PARTIAL:
        yield _check(
            sound,
            "audio.if-range-other",
            Grade.WARN,
            "If-Range with another ETag goes on all the same",
            "Answer the whole file with 200, or apps glue two recordings together.",
        )


def _ways(sound: SoundSeen) -> Iterator[Check]:
    if sound.target is not None and not _is_there(sound.target):
        yield _check(
            sound,
            "audio.target",
            Grade.WARN,
            f"where it redirects to, a second request gets {_said(sound.target)}",
            "Players go back to that address. Let it work for hours.",
        )
    if len(sound.whole.hops) > _MANY_HOPS:
        yield _check(
            sound,
            "audio.redirects",
            Grade.WARN,
            f"it is redirected {len(sound.whole.hops)} times",
            "Leave out some of the counters on the way.",
        )


def _is_there(answer: Answer) -> bool:
    return not answer.trouble and answer.status in {OK, PARTIAL}


def _said(answer: Answer) -> str:
    return answer.trouble or str(answer.status)


def _check(sound: SoundSeen, code: str, grade: Grade, what: str, remedy: str) -> Check:
    where = numbers([sound.item])
    return Check(
        code=code, grade=grade, message=f"{where[0].upper()}{where[1:]}: {what}.", remedy=remedy
    )
