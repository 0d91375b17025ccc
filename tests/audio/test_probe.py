"""A first look: what it reads, what it tells, and that bad bytes never make it fall over."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.audio import AudioFacts, AudioFormat, BitrateMode
from media.errors import StoreUnreachable, TooMuchRead
from media.probe import probe
from media.rules import Expectations, first_findings
from tests.parts.audio_files import AudioFiles

fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class CountingReader(io.FileIO):
    """A file that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self.bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(-1 if size is None else size) or b""
        self.bytes_read += len(found)
        return found


def _probe_bytes(data: bytes, name: str = "lesson.mp3") -> AudioFacts:
    return probe(io.BytesIO(data), name, len(data))


def _probe_file(path: Path) -> tuple[AudioFacts, int]:
    with CountingReader(path) as file:
        facts = probe(file, path.name, path.stat().st_size)
        return facts, file.bytes_read


def test_first_look_reads_under_two_percent_of_a_quarter_of_an_hour(
    audio_files: AudioFiles,
) -> None:
    path = audio_files["quarter.mp3"]
    facts, bytes_read = _probe_file(path)
    assert bytes_read < path.stat().st_size * 0.02
    assert facts.duration is not None
    assert round(facts.duration.total_seconds()) == 900


def test_first_look_reads_under_two_percent_of_an_m4a(audio_files: AudioFiles) -> None:
    path = audio_files["plain.m4a"]
    _, bytes_read = _probe_file(path)
    assert bytes_read < path.stat().st_size * 0.02


def test_headers_of_an_mp3_are_told(audio_files: AudioFiles) -> None:
    facts, _ = _probe_file(audio_files["cbr.mp3"])
    assert facts.format is AudioFormat.MP3
    assert facts.bitrate_mode is BitrateMode.CONSTANT
    assert (facts.bitrate_bps, facts.sample_rate_hz, facts.channels) == (128_000, 44_100, 2)


def test_tags_of_an_mp3_are_told(audio_files: AudioFiles) -> None:
    facts, _ = _probe_file(audio_files["tagged.mp3"])
    tags = facts.tags
    assert (tags.title, tags.artist, tags.album, tags.track) == (
        "Één: waaróm?",
        "Ada",
        "Bloeiende community",
        3,
    )
    assert facts.has_cover


def test_chapters_of_an_mp3_come_in_order_of_time(audio_files: AudioFiles) -> None:
    facts, _ = _probe_file(audio_files["tagged.mp3"])
    assert [(each.starts, each.title) for each in facts.tags.chapters] == [
        (timedelta(0), "Eerste"),
        (timedelta(seconds=30), "Tweede"),
    ]


def test_tags_do_not_make_a_whole_file_look_glued_or_cut(audio_files: AudioFiles) -> None:
    facts, _ = _probe_file(audio_files["tagged.mp3"])
    assert facts.sound_bytes == facts.size_bytes - facts.tags.size_bytes


def test_id3v1_at_the_end_is_no_sound_and_gives_the_title(audio_files: AudioFiles) -> None:
    sound = audio_files["cbr.mp3"].read_bytes()[45:]
    tag = b"TAG" + b"Les een".ljust(30, b"\0") + bytes(95)
    facts = _probe_bytes(sound + tag)
    assert facts.title == "Les een"
    assert facts.sound_bytes == facts.size_bytes - facts.tags.size_bytes


def test_compressed_tag_frames_are_not_unpacked(audio_files: AudioFiles) -> None:
    frame = b"TIT2" + (20).to_bytes(4, "big") + b"\x00\x80" + bytes(20)
    tag = b"ID3\x03\x00\x00\x00\x00\x00" + bytes([len(frame)]) + frame
    facts = _probe_bytes(tag + audio_files["cbr.mp3"].read_bytes()[45:])
    assert facts.is_readable
    assert facts.title is None


def test_broken_tags_do_not_hide_the_sound(audio_files: AudioFiles) -> None:
    broken = b"ID3\x04\x00\x40\x00\x00\x00\x10" + b"\xff" * 16
    facts = _probe_bytes(broken + audio_files["cbr.mp3"].read_bytes()[45:])
    assert facts.duration is not None
    assert round(facts.duration.total_seconds()) == 60


def test_m4a_that_announces_more_than_it_holds_is_cut(audio_files: AudioFiles) -> None:
    facts, _ = _probe_file(audio_files["half-faststart.m4a"])
    assert facts.is_cut
    assert facts.is_readable


def test_trouble_of_the_store_passes_through() -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise StoreUnreachable("bucket x", "no route")

    with pytest.raises(StoreUnreachable):
        probe(Broken(b"ID3"), "a.mp3", 3)


def test_file_that_asks_for_too_much_reading_is_called_unreadable() -> None:
    class Stingy(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise TooMuchRead("k", 1)

    assert not probe(Stingy(b"ID3"), "a.mp3", 3).is_readable


def _is_judged(facts: AudioFacts) -> bool:
    """What cannot be read is never passed in silence."""
    return bool(first_findings(facts, Expectations())) or facts.is_readable


@fuzzed
@given(data=st.binary(max_size=4000), name=st.sampled_from(["a.mp3", "a.m4a", "", ".", "a."]))
def test_random_bytes_never_raise(data: bytes, name: str) -> None:
    assert _is_judged(_probe_bytes(data, name))


@fuzzed
@given(data=st.data())
@pytest.mark.parametrize("name", ["tagged.mp3", "faststart.m4a", "plain.m4a"])
def test_file_cut_anywhere_never_raises(
    audio_files: AudioFiles, name: str, data: st.DataObject
) -> None:
    whole = audio_files[name].read_bytes()
    end = data.draw(st.integers(0, 6000) | st.integers(0, len(whole)))
    assert _is_judged(_probe_bytes(whole[:end], name))


@fuzzed
@given(data=st.data())
@pytest.mark.parametrize("name", ["tagged.mp3", "faststart.m4a"])
def test_file_with_spoilt_headers_never_raises(
    audio_files: AudioFiles, name: str, data: st.DataObject
) -> None:
    whole = bytearray(audio_files[name].read_bytes())
    at = data.draw(st.integers(0, 3000))
    spoilt = data.draw(st.binary(min_size=1, max_size=20))
    whole[at : at + len(spoilt)] = spoilt
    assert _is_judged(_probe_bytes(bytes(whole), name))
