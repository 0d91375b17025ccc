"""Real sound files, good and bad, made by ffmpeg once per run and shared by all workers."""

import fcntl
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from mutagen import id3

from media.ffmpeg import find_ffmpeg
from tests.parts.pictures import a_jpeg

# a minute that sounds a little like speech: noise in syllables, at about -16 LUFS
_SPEECH: Final = "anoisesrc=d=60:a=0.5:c=pink:seed=7"
_SYLLABLES: Final = (
    "highpass=200,volume='0.1+0.9*abs(sin(t*3))*lt(mod(t,8),7)':eval=frame,"
    "loudnorm=I=-16:TP=-3,aresample=44100,aformat=channel_layouts=stereo"
)
SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class AudioFiles:
    """Sound files by name; each is made when it is first asked for."""

    directory: Path

    def __getitem__(self, name: str) -> Path:
        path = self.directory / name
        with _locked(self.directory):
            self._make(name)
        return path

    def _make(self, name: str) -> None:
        path = self.directory / name
        if not path.exists():
            draft = self.directory / f"draft-{name}"
            _RECIPES[name](self, draft)
            draft.rename(path)

    def need(self, name: str) -> Path:
        """A file that another is made of; the lock is held already."""
        self._make(name)
        return self.directory / name

    def bytes_of(self, name: str) -> bytes:
        """The bytes of a file that another is made of."""
        return self.need(name).read_bytes()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def audio_files(tmp_path_factory: pytest.TempPathFactory) -> AudioFiles:
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    directory = base / "audio-files"
    directory.mkdir(exist_ok=True)
    return AudioFiles(directory)


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg, or fail with what it says."""
    command = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120)


Recipe = Callable[[AudioFiles, Path], None]
_RECIPES: dict[str, Recipe] = {}


def _recipe(name: str) -> Callable[[Recipe], Recipe]:
    def keep(recipe: Recipe) -> Recipe:
        _RECIPES[name] = recipe
        return recipe

    return keep


def _encoded(name: str, *options: str, source: str = "speech.wav") -> None:
    """A file that is the speech, encoded with these options."""

    @_recipe(name)
    def make(files: AudioFiles, path: Path) -> None:
        ffmpeg("-i", files.need(source), *options, path)


def _generated(name: str, source: str, *options: str) -> None:
    """A file of what one of ffmpeg's generators makes."""

    @_recipe(name)
    def make(_: AudioFiles, path: Path) -> None:
        ffmpeg("-f", "lavfi", "-i", source, *options, path)


def _changed(name: str, source: str, change: Callable[[bytes], bytes]) -> None:
    """A file whose bytes are those of another, changed."""

    @_recipe(name)
    def make(files: AudioFiles, path: Path) -> None:
        path.write_bytes(change(files.bytes_of(source)))


def _written(name: str, content: bytes) -> None:
    @_recipe(name)
    def make(_: AudioFiles, path: Path) -> None:
        path.write_bytes(content)


def _first_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _noise(count: int) -> bytes:
    return random.Random(7).randbytes(count)  # noqa: S311 - the same noise in every run


def _lying(data: bytes) -> bytes:
    """The number of frames in the Info header times a hundred."""
    at = data.index(b"Info") + 8
    frames = int.from_bytes(data[at : at + 4], "big") * 100
    return data[:at] + frames.to_bytes(4, "big") + data[at + 4 :]


# good ones
_generated("speech.wav", _SPEECH, "-af", _SYLLABLES)
_encoded("cbr.mp3", "-b:a", "128k")
_encoded("vbr.mp3", "-q:a", "4")
# as something that is said at a turn of a subscription: short, and a little too long
_encoded("short.mp3", "-t", "7", "-b:a", "96k")
_encoded("short.m4a", "-t", "7", "-c:a", "aac")
_encoded("long.mp3", "-af", "apad=pad_dur=10", "-b:a", "96k")
_encoded("faststart.m4a", "-c:a", "aac", "-movflags", "+faststart")
_encoded("plain.m4a", "-c:a", "aac")
_LOUDER: Final = "aevalsrc='if(lt(t,1),0,random(0)*0.25)':d=60:s=44100"
_generated("vbr-without-header.mp3", _LOUDER, "-q:a", "2", "-write_xing", "0")
_encoded("cbr-without-header.mp3", "-b:a", "128k", "-write_xing", "0")


@_recipe("quarter.mp3")
def _quarter(files: AudioFiles, path: Path) -> None:
    """Fifteen minutes: the minute fifteen times over, without encoding again."""
    ffmpeg("-stream_loop", "14", "-i", files.need("cbr.mp3"), "-c", "copy", path)


@_recipe("tagged.mp3")
def _tagged(files: AudioFiles, path: Path) -> None:
    path.write_bytes(files.bytes_of("cbr.mp3"))
    frames: Any = id3  # mutagen is typed only in part
    tags = frames.ID3()
    tags.add(frames.TIT2(encoding=1, text="Één: waaróm?"))
    tags.add(frames.TPE1(encoding=3, text="Ada"))
    tags.add(frames.TALB(encoding=3, text="Bloeiende community"))
    tags.add(frames.TRCK(encoding=0, text="3/4"))
    tags.add(frames.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=a_jpeg(400)))
    for starts, title in ((30_000, "Tweede"), (0, "Eerste")):
        named = [frames.TIT2(encoding=3, text=title)]
        tags.add(frames.CHAP(element_id=title, start_time=starts, sub_frames=named))
    tags.save(path)


# cut, glued, broken
_changed("half.mp3", "cbr.mp3", _first_half)
_changed("half-vbr.mp3", "vbr.mp3", _first_half)
_changed("half-of-tagged.mp3", "tagged.mp3", _first_half)
_changed("glued.mp3", "cbr.mp3", lambda data: data + data)
_changed("noise.mp3", "cbr.mp3", lambda data: _first_half(data) + _noise(len(data) // 2))
_changed("zeros.mp3", "cbr.mp3", lambda data: _first_half(data) + bytes(len(data) // 2))
_changed("lying.mp3", "cbr.mp3", _lying)
_changed("click.mp3", "cbr.mp3", lambda data: data[:400_000] + _noise(300) + data[400_300:])
_changed("half-faststart.m4a", "faststart.m4a", _first_half)
_changed("half-plain.m4a", "plain.m4a", _first_half)
_changed("noise.m4a", "faststart.m4a", lambda data: _first_half(data) + _noise(len(data) // 2))

# the wrong file
_written("page.mp3", b"<!DOCTYPE html>\n<html><title>Sign in</title></html>\n")
_written("empty.mp3", b"")
_written("random.mp3", _noise(300_000))
_written("playlist.mp3", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp3\n")
_changed("wav-named.mp3", "speech.wav", bytes)
_changed("m4a-named.mp3", "faststart.m4a", bytes)
_changed("mp3-named.m4a", "cbr.mp3", bytes)
_encoded("lossless.m4a", "-c:a", "alac")
_encoded("lesson.flac")
_encoded("lesson.ogg", "-c:a", "flac")
_encoded("lesson.aiff")
_encoded("lesson.aac", "-c:a", "aac")
_encoded("lesson.mp2")
_changed("locked.m4a", "faststart.m4a", lambda data: data.replace(b"mp4a", b"drms"))


@_recipe("video.mp4")
def _video(files: AudioFiles, path: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=d=2:s=64x64:r=5")
    ffmpeg(*picture, "-i", files.need("speech.wav"), "-t", "2", "-c:v", "mpeg4", path)


# what listeners would notice
_generated("silent.mp3", "anullsrc=d=60", "-b:a", "64k")
_encoded("quiet.mp3", "-af", "volume=-12dB", "-b:a", "96k")
_encoded("loud.mp3", "-af", "volume=14dB", "-b:a", "96k")
# one channel measures 3 dB less than the same sound in two
_encoded("mono.mp3", "-af", "pan=mono|c0=c0,volume=3dB", "-b:a", "96k")
_encoded("telephone.mp3", "-ac", "1", "-ar", "22050", "-b:a", "24k")
_PAUSES: Final = "volume='if(between(t,0,7)+between(t,20,38)+gt(t,53),0,1)':eval=frame"
_encoded("pauses.mp3", "-af", _PAUSES, "-b:a", "96k")
