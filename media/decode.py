"""Hear a recording from beginning to end: its true length, damage, loudness, silence.

The only module that starts ffmpeg. Two runs: a scan of the packets (the length), then a decode
through the meters for loudness and silence.

What ffmpeg is handed comes from strangers, so it is held short: it is told which format to read and
never guesses (a playlist would make it open other files), it may open local files only, writes
none, reads no input of ours, inherits no environment, and has limits on time, memory and output.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import IO, Final

from media.audio import AudioFormat, DecodeFacts, Stretch
from media.errors import FfmpegUnusable, NotDecodable
from media.limits import (
    LARGEST_MP3_FRAME_BYTES,
    SHORTEST_SILENCE,
    SILENCE_LUFS,
    SILENCE_THRESHOLD_DB,
    DecodeLimits,
)

if sys.platform == "linux":
    import resource

_DEMUXERS: Final = {AudioFormat.MP3: ("mp3",), AudioFormat.M4A: ("mov", "-enable_drefs", "0")}
_SPEAK: Final = timedelta(seconds=0.25)
_LONGEST_LINE: Final = 4096
# how the shell and the loader say that a program cannot be started
_CANNOT_START: Final = (126, 127)
_METERS: Final = (
    f"silencedetect=n={SILENCE_THRESHOLD_DB}dB:d={SHORTEST_SILENCE.total_seconds()},"
    "ebur128=peak=true"
)


def decode(
    path: Path, audio_format: AudioFormat, ffmpeg: Path, limits: DecodeLimits
) -> DecodeFacts:
    """Hear a recording. Bad bytes give facts that say so, never an error.

    Args:
        path: A local file.
        audio_format: What was sniffed; only accepted formats are decoded.
        ffmpeg: The program, see `media.ffmpeg.find_ffmpeg`.
        limits: What each of the two runs may take.

    Raises:
        NotDecodable: the format is not one we accept.
        FfmpegUnusable: the program is missing or lacks what we need.
    """
    if audio_format not in _DEMUXERS:
        raise NotDecodable(audio_format)
    run = _Run(ffmpeg=ffmpeg, path=path, audio_format=audio_format, limits=limits)
    packets = _Packets(is_mp3=audio_format is AudioFormat.MP3)
    if not run.scan(packets.read):
        return DecodeFacts(is_finished=False)
    if not packets.count:
        return DecodeFacts()
    meters = _Meters()
    if not run.listen(meters.read):
        return DecodeFacts(is_finished=False)
    return _facts(packets, meters)


def _facts(packets: "_Packets", meters: "_Meters") -> DecodeFacts:
    damage = [at for at in (packets.junk_at, meters.lost_at) if at is not None]
    loudness = meters.loudness
    return DecodeFacts(
        scanned=packets.length,
        # the meters speak ten times a second, the packets are exact
        duration=packets.length if packets.length - meters.heard < _SPEAK else meters.heard,
        lost_packets=meters.lost,
        junk_bytes=packets.junk_bytes,
        damaged_at=min(damage, default=None),
        packet_length=packets.length / packets.count,
        loudness_lufs=None if loudness is None or loudness <= SILENCE_LUFS else loudness,
        peak_db=meters.peak,
        silences=tuple(meters.silences),
    )


# --- reading what ffmpeg says


@dataclass(slots=True)
class _Packets:
    """The packets of a file, as the framecrc muxer lists them.

    A line is `stream, dts, pts, duration, size, …`.
    """

    is_mp3: bool
    count: int = 0
    junk_bytes: int = 0
    junk_at: timedelta | None = None
    _ticks: int = 0
    _tick: Fraction = Fraction(0)

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=float(self._ticks * self._tick))

    def read(self, line: str) -> None:
        if line.startswith("#tb 0:"):
            self._tick = Fraction(line.removeprefix("#tb 0:").strip())
        fields = line.split(",")
        if not line.startswith("0,") or len(fields) < 6:  # noqa: PLR2004 - as in the docstring
            return
        self._add(duration=int(fields[3]), size_bytes=int(fields[4]))

    def _add(self, *, duration: int, size_bytes: int) -> None:
        if self.is_mp3 and size_bytes > LARGEST_MP3_FRAME_BYTES:
            self.junk_bytes += size_bytes - LARGEST_MP3_FRAME_BYTES
            self.junk_at = self.length if self.junk_at is None else self.junk_at
        self.count += 1
        self._ticks += duration


# Lines begin with their source. Tags of the file are echoed too, but always indented, so that a
# title cannot pass for a measurement.
_METER = re.compile(r"\[(?:Parsed_)?ebur128\S* @ \S+\] \[info\] t: *(\S+)")
_SILENCE = re.compile(
    r"\[(?:Parsed_)?silencedetect\S* @ \S+\] \[info\] silence_(start|end): *(\S+)"
)
_SUMMARY = re.compile(r"    (I|Peak): +(\S+) (?:LUFS|dBFS)$")
_LOST = re.compile(r"(?:\[.*\] )?\[error\] Error (?:while decoding|submitting packet to decoder)")
_UNUSABLE = re.compile(
    r"(?:\[[^\]]* @ [^\]]*\] )?\[(?:error|fatal)\] "
    r"((?:No such filter|Unrecognized option|Option not found|Unknown input format).*)"
)


@dataclass(slots=True)
class _Meters:
    """What the meters say while a file is decoded."""

    heard: timedelta = timedelta(0)
    lost: int = 0
    lost_at: timedelta | None = None
    loudness: float | None = None
    peak: float | None = None
    silences: list[Stretch] = field(default_factory=list)
    _silent_from: timedelta | None = None

    def read(self, line: str) -> None:
        if found := _METER.match(line):
            self.heard = _seconds(found[1])
        elif _LOST.match(line):
            self.lost += 1
            self.lost_at = self.heard if self.lost_at is None else self.lost_at
        elif found := _SILENCE.match(line):
            self._hear_silence(found[1], _seconds(found[2]))
        elif found := _SUMMARY.match(line):
            self._sum_up(found[1], float(found[2]))

    def _hear_silence(self, edge: str, at: timedelta) -> None:
        if edge == "start":
            self._silent_from = at
        else:
            self.silences.append(Stretch(starts=self._silent_from or timedelta(0), ends=at))
            self._silent_from = None

    def _sum_up(self, name: str, value: float) -> None:
        if name == "I":
            self.loudness = value
        else:
            self.peak = None if value == float("-inf") else value


def _seconds(text: str) -> timedelta:
    """A place that ffmpeg names; sound that begins before zero is padding."""
    return timedelta(seconds=max(0.0, float(text)))


# --- starting ffmpeg


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """How ffmpeg is started on one file."""

    ffmpeg: Path
    path: Path
    audio_format: AudioFormat
    limits: DecodeLimits

    def scan(self, read: Callable[[str], None]) -> bool:
        """List the packets; False: a limit stopped it."""
        command = self._command("quiet", "-c", "copy", "-f", "framecrc", "-")
        return self._follow(self._start(command, stdout=subprocess.PIPE), read)

    def listen(self, read: Callable[[str], None]) -> bool:
        """Decode through the meters; False: a limit stopped it."""
        command = self._command("repeat+level+info", "-af", _METERS, "-f", "null", "-")
        return self._follow(self._start(command, stderr=subprocess.PIPE), read)

    def _command(self, verbosity: str, *output: str) -> list[str]:
        words = [str(self.ffmpeg), "-nostdin", "-hide_banner", "-nostats", "-v", verbosity]
        words += ["-threads", "1", "-protocol_whitelist", "file"]
        words += ["-f", *_DEMUXERS[self.audio_format], "-i", f"file:{self.path.absolute()}"]
        return [*words, "-map", "0:a:0", "-vn", "-sn", "-dn", *output]

    def _start(
        self,
        command: list[str],
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        try:
            return subprocess.Popen(
                command, stdin=nothing, stdout=stdout, stderr=stderr, env={"LC_ALL": "C"}
            )
        except OSError as error:
            raise FfmpegUnusable(str(self.ffmpeg), error.strerror or str(error)) from error

    def _follow(self, process: subprocess.Popen[bytes], read: Callable[[str], None]) -> bool:
        """Hand over every line until it ends; False: a limit stopped it."""
        clock = threading.Timer(self.limits.wall.total_seconds(), process.kill)
        with process:
            try:
                _hold_short(process.pid, self.limits)
                clock.start()
                is_whole = self._read(process.stdout or process.stderr, read)
            except BaseException:
                process.kill()
                raise
            finally:
                clock.cancel()
            if not is_whole:
                process.kill()
        if process.returncode in _CANNOT_START:
            raise FfmpegUnusable(str(self.ffmpeg), f"it ends with {process.returncode}")
        return is_whole and process.returncode >= 0

    def _read(self, lines: IO[bytes] | None, read: Callable[[str], None]) -> bool:
        """Hand over every line; False: there are more than may be."""
        left = self.limits.output_bytes
        while lines and (line := lines.readline(_LONGEST_LINE)):
            left -= len(line)
            if left < 0:
                return False
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if unusable := _UNUSABLE.match(text):
                raise FfmpegUnusable(str(self.ffmpeg), unusable[1])
            read(text)
        return True


def _hold_short(pid: int, limits: DecodeLimits) -> None:
    """Limit a process that has just begun. Elsewhere than on Linux only wall time is limited.

    From outside, because code between fork and exec is not safe in a program with threads.
    """
    if sys.platform != "linux":
        return
    seconds = int(limits.processor.total_seconds())
    with suppress(ProcessLookupError):  # it may have ended already
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(pid, resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
