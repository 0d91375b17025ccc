"""Sentences made into sound, for the scripts that make what ships.

espeak-ng speaks, ffmpeg polishes.

The voice is a little slower and lower than espeak-ng's own, with air between the words, and is
brought to the loudness that podcast apps expect.
"""

import re
import shutil
import subprocess
import wave
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from media.limits import TARGET_LUFS

VOICE: Final = ("-s", "152", "-p", "40", "-g", "1", "-a", "90")
VOICE_RATE_HZ: Final = 22050
SILENCE_LEVEL: Final = 200  # of 32768: what espeak-ng leaves before and after a sentence is quieter
PAUSES_SECONDS: Final = {"start": 0.4, "sentence": 0.45, "breath": 0.95, "end": 1.0}
TOOL_SECONDS: Final = 120

# Warmer below, softer where the synthesis hisses. The all-pass filters spread the sharp pulses of
# a synthetic voice over time: it sounds the same, its peaks are 2 dB lower, and the limiter rests.
POLISH: Final = (
    "highpass=f=70,"
    "equalizer=f=180:t=o:w=1.2:g=2.5,"
    "equalizer=f=3200:t=o:w=1.2:g=-3,"
    "treble=f=7500:g=-4,"
    "allpass=f=150:t=q:w=0.7,allpass=f=220:t=q:w=0.7,"
    "allpass=f=330:t=q:w=0.7,allpass=f=500:t=q:w=0.7,"
    "acompressor=threshold=-20dB:ratio=2:attack=8:release=160"
)
# below the true peak that media.limits allows, because encoding to MP3 adds a little
LIMIT_DBTP: Final = -2.0
LOUDNESS_PASSES: Final = 3


class ToolMissingError(Exception):
    """A program or font that a script needs is not on the machine."""

    def __init__(self, tool: str, package: str) -> None:
        self.tool = tool
        super().__init__(f"{tool} is not installed. Install it with: apt-get install {package}")


class ToolFailedError(Exception):
    """A program that a script started ended with an error."""

    def __init__(self, program: str, said: str) -> None:
        self.program = program
        super().__init__(f"{program} failed and said: {said.strip()[-500:]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks. ``pronunciation``: phonemes for the words that espeak-ng says wrongly."""

    language: str
    pronunciation: Mapping[str, str]

    def phonetic(self, text: str) -> str:
        """The sentence with the words that espeak-ng says wrongly spelled as its phonemes."""
        if not self.pronunciation:
            return text
        alternatives = "|".join(map(re.escape, self.pronunciation))
        words = re.compile(rf"\b({alternatives})\b", re.IGNORECASE)
        return words.sub(lambda word: f"[[{self.pronunciation[word[0].lower()]}]]", text)

    def speak(self, text: str, wav: Path) -> "array[int]":
        """Samples of one spoken sentence at VOICE_RATE_HZ, without the silence around it."""
        voice = [_espeak(), "-v", self.language, *VOICE]
        _run([*voice, "-w", str(wav), self.phonetic(text)])
        with wave.open(str(wav), "rb") as spoken:
            samples = array("h", spoken.readframes(spoken.getnframes()))
        loud = [index for index, sample in enumerate(samples) if abs(sample) > SILENCE_LEVEL]
        return samples[loud[0] : loud[-1] + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What ffmpeg's EBU R128 meter says of a file."""

    integrated_lufs: float
    true_peak_db: float


def silence(kind: str) -> "array[int]":
    """Samples of one of PAUSES_SECONDS."""
    return array("h", bytes(2 * round(PAUSES_SECONDS[kind] * VOICE_RATE_HZ)))


def write_wav(samples: "array[int]", wav: Path) -> None:
    """Write samples of the voice, mono."""
    with wave.open(str(wav), "wb") as spoken:
        spoken.setparams((1, 2, VOICE_RATE_HZ, len(samples), "NONE", "not compressed"))
        spoken.writeframes(samples.tobytes())


def measure(sound: Path) -> Loudness:
    """Integrated loudness and true peak of the whole file, measured as EBU R128 says."""
    meter = "ebur128=peak=true:framelog=verbose"
    report = _run([_ffmpeg(), "-nostdin", "-i", str(sound), "-af", meter, "-f", "null", "-"])
    integrated = re.findall(r"\bI:\s+(-?[\d.]+) LUFS", report)[-1]
    peak = re.findall(r"\bPeak:\s+(-?[\d.]+) dBFS", report)[-1]
    return Loudness(integrated_lufs=float(integrated), true_peak_db=float(peak))


def encode(wav: Path, tags: Path, mp3: Path, *, bitrate: str) -> Loudness:
    """Polish, bring to TARGET_LUFS and write as MP3; returns what was measured of the result.

    The limiter takes a little loudness away, so the gain is corrected by what the result measures.
    """
    gain_db = 8.0
    command = _command(wav, tags, bitrate)
    loudness = _encode_once(command, mp3, gain_db)
    for _ in range(LOUDNESS_PASSES - 1):
        gain_db += TARGET_LUFS - loudness.integrated_lufs
        loudness = _encode_once(command, mp3, gain_db)
    return loudness


def _command(wav: Path, tags: Path, bitrate: str) -> list[str]:
    """Answer the words for ffmpeg, with FILTERS where the filters go."""
    inputs = ["-i", str(wav), "-f", "ffmetadata", "-i", str(tags)]
    metadata = ["-map", "0:a", "-map_metadata", "1", "-map_chapters", "1", "-id3v2_version", "3"]
    codec = ["-c:a", "libmp3lame", "-b:a", bitrate, "-ar", "44100", "-ac", "1", "-write_xing", "1"]
    # without the version of ffmpeg in the file, so that the same tools give the same bytes
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact"]
    start = [_ffmpeg(), "-nostdin", "-y", "-v", "error", *inputs, "-af", "FILTERS"]
    return [*start, *metadata, *codec, *exact]


def _encode_once(command: Sequence[str], mp3: Path, gain_db: float) -> Loudness:
    limit = 10 ** (LIMIT_DBTP / 20)
    # limited at four times the rate, so that peaks between two samples are caught as well
    filters = (
        f"{POLISH},volume={gain_db:.2f}dB,aresample=176400,"
        f"alimiter=limit={limit:.4f}:attack=5:release=60:level=false,aresample=44100"
    )
    _run([*(filters if word == "FILTERS" else word for word in command), str(mp3)])
    return measure(mp3)


def _espeak() -> str:
    found = shutil.which("espeak-ng")
    if found is None:
        raise ToolMissingError("espeak-ng", "espeak-ng")
    return found


def _ffmpeg() -> str:
    return shutil.which("ffmpeg") or str(imageio_ffmpeg.get_ffmpeg_exe())


def _run(command: Sequence[str]) -> str:
    """Run a program to its end; returns what it said on standard error."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
    )
    if done.returncode != 0:
        raise ToolFailedError(Path(command[0]).name, done.stderr)
    return done.stderr
