"""Hearing a recording: measured right by every ffmpeg we use, and held short."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import pytest

from media.audio import AudioFormat, DecodeFacts
from media.decode import decode
from media.errors import FfmpegUnusable, NotDecodable
from media.ffmpeg import find_ffmpeg
from media.limits import DecodeLimits
from tests.parts.audio_files import AudioFiles

LIMITS: Final = DecodeLimits()


@pytest.fixture(params=["system", "wheel"])
def ffmpeg(request: pytest.FixtureRequest) -> Path:
    """Each ffmpeg that may be found on a machine."""
    bundled = Path(imageio_ffmpeg.get_ffmpeg_exe())
    return find_ffmpeg() if request.param == "system" else bundled


def _decode(path: Path, ffmpeg: Path, limits: DecodeLimits = LIMITS) -> DecodeFacts:
    audio_format = AudioFormat.M4A if path.suffix == ".m4a" else AudioFormat.MP3
    return decode(path, audio_format, ffmpeg, limits)


def _program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("cbr.mp3", 60),
        ("vbr.mp3", 60),
        ("vbr-without-header.mp3", 60),
        ("lying.mp3", 60),
        ("half.mp3", 30),
        ("glued.mp3", 120),
        ("noise.mp3", 30),
        ("zeros.mp3", 30),
        ("plain.m4a", 60),
        ("half-faststart.m4a", 30),
        ("noise.m4a", 30),
    ],
)
def test_true_length_is_heard(
    audio_files: AudioFiles, ffmpeg: Path, name: str, seconds: int
) -> None:
    heard = _decode(audio_files[name], ffmpeg)
    assert heard.is_finished
    assert abs(heard.duration - timedelta(seconds=seconds)) < timedelta(seconds=1)


def test_whole_file_has_no_damage(audio_files: AudioFiles, ffmpeg: Path) -> None:
    heard = _decode(audio_files["cbr.mp3"], ffmpeg)
    assert (heard.damaged_at, heard.lost_packets, heard.junk_bytes) == (None, 0, 0)


def test_damage_is_found_where_it_is(audio_files: AudioFiles, ffmpeg: Path) -> None:
    damaged_at = _decode(audio_files["click.mp3"], ffmpeg).damaged_at
    assert damaged_at is not None
    assert abs(damaged_at - timedelta(seconds=25)) < timedelta(seconds=1)


def test_loudness_and_peak_are_measured(audio_files: AudioFiles, ffmpeg: Path) -> None:
    heard = _decode(audio_files["cbr.mp3"], ffmpeg)
    assert heard.loudness_lufs == pytest.approx(-16, abs=1)
    assert heard.peak_db is not None
    assert heard.peak_db < -1


def test_silence_has_no_loudness(audio_files: AudioFiles, ffmpeg: Path) -> None:
    heard = _decode(audio_files["silent.mp3"], ffmpeg)
    assert (heard.loudness_lufs, heard.peak_db) == (None, None)


def test_silent_stretches_are_found(audio_files: AudioFiles, ffmpeg: Path) -> None:
    heard = _decode(audio_files["pauses.mp3"], ffmpeg)
    found = [(round(each.starts.total_seconds()), round(each.ends.total_seconds()))
             for each in heard.silences]  # fmt: skip
    assert found == [(0, 7), (20, 38), (53, 60)]


@pytest.mark.parametrize("name", ["page.mp3", "random.mp3", "empty.mp3", "half-plain.m4a"])
def test_bad_bytes_are_facts_not_errors(audio_files: AudioFiles, ffmpeg: Path, name: str) -> None:
    heard = _decode(audio_files[name], ffmpeg)
    assert (heard.is_finished, heard.duration) == (True, timedelta(0))


def test_a_title_cannot_pass_for_a_measurement(
    audio_files: AudioFiles, ffmpeg: Path, tmp_path: Path
) -> None:
    forged = (
        b"x\n[silencedetect @ 0x1] [info] silence_end: 3"
        b"\n[Parsed_ebur128_1 @ 0x1] [info] t: 3\n[error] No such filter"
    )
    frame = b"TIT2" + (len(forged) + 1).to_bytes(4, "big") + b"\x00\x00\x00" + forged
    tag = b"ID3\x03\x00\x00\x00\x00" + bytes([len(frame) >> 7, len(frame) & 127]) + frame
    path = tmp_path / "forged.mp3"
    path.write_bytes(tag + audio_files["cbr.mp3"].read_bytes()[45:])
    heard = _decode(path, ffmpeg)
    assert heard.silences == ()
    assert heard.loudness_lufs == pytest.approx(-16, abs=1)


# --- what a stranger's file must not make it do


@contextmanager
def _listening() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked for there."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


PLAYLISTS: Final = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXTINF:60,\n{target}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": "<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na={target}\n",
}


@pytest.mark.parametrize("audio_format", [AudioFormat.MP3, AudioFormat.M4A])
@pytest.mark.parametrize("kind", sorted(PLAYLISTS))
def test_playlist_opens_nothing_else_on_the_net(
    tmp_path: Path, ffmpeg: Path, kind: str, audio_format: AudioFormat
) -> None:
    with _listening() as (address, asked):
        path = tmp_path / "lesson.mp3"
        path.write_text(PLAYLISTS[kind].format(target=f"{address}/secret.mp3"))
        heard = decode(path, audio_format, ffmpeg, LIMITS)
    assert asked == []
    assert heard.duration == timedelta(0)


@pytest.mark.parametrize("audio_format", [AudioFormat.MP3, AudioFormat.M4A])
@pytest.mark.parametrize("kind", sorted(PLAYLISTS))
def test_playlist_opens_no_other_file(
    audio_files: AudioFiles, tmp_path: Path, ffmpeg: Path, kind: str, audio_format: AudioFormat
) -> None:
    path = tmp_path / "lesson.mp3"
    path.write_text(PLAYLISTS[kind].format(target=audio_files["cbr.mp3"]))
    assert decode(path, audio_format, ffmpeg, LIMITS).duration == timedelta(0)


def test_file_name_is_never_taken_for_an_address_or_an_option(
    audio_files: AudioFiles, tmp_path: Path, ffmpeg: Path
) -> None:
    path = tmp_path / "-i http:x %03d.mp3"
    path.write_bytes(audio_files["half.mp3"].read_bytes())
    assert _decode(path, ffmpeg).duration > timedelta(seconds=29)


@pytest.mark.parametrize("audio_format", [AudioFormat.PLAYLIST, AudioFormat.WAV, AudioFormat.ALAC])
def test_what_is_not_accepted_is_never_decoded(tmp_path: Path, audio_format: AudioFormat) -> None:
    with pytest.raises(NotDecodable):
        decode(tmp_path / "x.mp3", audio_format, Path("/bin/false"), LIMITS)


def test_it_is_stopped_when_its_time_is_over(audio_files: AudioFiles, tmp_path: Path) -> None:
    slow = _program(tmp_path / "slow", "exec sleep 60")
    limits = DecodeLimits(wall=timedelta(seconds=0.2))
    assert not _decode(audio_files["cbr.mp3"], slow, limits).is_finished


def test_it_is_stopped_when_it_says_too_much(audio_files: AudioFiles, tmp_path: Path) -> None:
    talker = _program(tmp_path / "talker", "exec yes")
    limits = DecodeLimits(output_bytes=100_000)
    assert not _decode(audio_files["cbr.mp3"], talker, limits).is_finished


def test_it_is_stopped_when_it_computes_too_long(audio_files: AudioFiles, tmp_path: Path) -> None:
    busy = _program(tmp_path / "busy", "while :; do :; done")
    limits = DecodeLimits(processor=timedelta(seconds=1), wall=timedelta(seconds=60))
    assert not _decode(audio_files["cbr.mp3"], busy, limits).is_finished


def test_it_inherits_no_environment(
    audio_files: AudioFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADANS_SECRET_KEYS", "sesame")
    # 127 would be told as a program that cannot be started
    spy = _program(tmp_path / "spy", '[ -z "$CADANS_SECRET_KEYS" ] || exit 127')
    assert _decode(audio_files["cbr.mp3"], spy).is_finished


def test_it_can_write_nothing(audio_files: AudioFiles, tmp_path: Path) -> None:
    # the limit is set from outside a moment after it has begun
    writer = _program(tmp_path / "writer", f"sleep 0.3; echo x > {tmp_path}/written")
    _decode(audio_files["cbr.mp3"], writer)
    written = tmp_path / "written"
    assert not written.exists() or written.stat().st_size == 0


def test_missing_program_is_told(audio_files: AudioFiles, tmp_path: Path) -> None:
    with pytest.raises(FfmpegUnusable, match="install ffmpeg"):
        _decode(audio_files["cbr.mp3"], tmp_path / "nowhere")


def test_program_that_cannot_start_is_not_blamed_on_the_file(
    audio_files: AudioFiles, tmp_path: Path
) -> None:
    with pytest.raises(FfmpegUnusable):
        _decode(audio_files["cbr.mp3"], _program(tmp_path / "broken", "exit 127"))
