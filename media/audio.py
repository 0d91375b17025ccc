"""What a sound file is: its kind, what its headers and tags claim, and what was heard in it.

AudioFacts are claims that were read, DecodeFacts is what was heard; ``rules`` judges both.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class AudioFormat(StrEnum):
    """What the bytes of a file are, whatever its name says."""

    MP3 = "mp3"
    M4A = "m4a"
    """AAC sound in an MPEG-4 container."""
    ALAC = "alac"
    MP4_OTHER = "mp4-other"
    """MPEG-4 container with sound that is neither AAC nor ALAC."""
    VIDEO = "video"
    AAC = "aac"
    """Bare AAC frames (ADTS), without a container."""
    MP2 = "mp2"
    WAV = "wav"
    AIFF = "aiff"
    CAF = "caf"
    FLAC = "flac"
    OGG = "ogg"
    WMA = "wma"
    AMR = "amr"
    PROJECT = "project"
    """The working file of a sound editor."""
    HTML = "html"
    PLAYLIST = "playlist"
    IMAGE = "image"
    PDF = "pdf"
    ARCHIVE = "archive"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"

    @property
    def is_accepted(self) -> bool:
        """Whether a lesson may be made of it: MP3, and AAC in M4A."""
        return self in (AudioFormat.MP3, AudioFormat.M4A)

    @property
    def is_sound(self) -> bool:
        """Whether somebody could export it again as MP3."""
        return self in _SOUND

    @property
    def extensions(self) -> frozenset[str]:
        """The endings, lower case and without dot, that an honest name may have."""
        return _EXTENSIONS.get(self, frozenset())

    @property
    def extension(self) -> str:
        """The ending under which an accepted file is stored and offered: ``mp3`` or ``m4a``."""
        return self.value

    @property
    def media_type(self) -> str:
        """The type for Content-Type and enclosure.

        Source: the enclosure examples of help.apple.com/itc/podcasts_connect/#/itcb54353390
        (Apple's feed requirements): audio/mpeg for mp3, audio/x-m4a for m4a.
        """
        return "audio/mpeg" if self is AudioFormat.MP3 else "audio/x-m4a"


_SOUND = frozenset(
    {
        AudioFormat.MP3,
        AudioFormat.M4A,
        AudioFormat.ALAC,
        AudioFormat.MP4_OTHER,
        AudioFormat.VIDEO,
        AudioFormat.AAC,
        AudioFormat.MP2,
        AudioFormat.WAV,
        AudioFormat.AIFF,
        AudioFormat.CAF,
        AudioFormat.FLAC,
        AudioFormat.OGG,
        AudioFormat.WMA,
        AudioFormat.AMR,
    }
)

# an m4b (audio book) or a sound-only mp4 is the same container with the same sound
_EXTENSIONS = {
    AudioFormat.MP3: frozenset({"mp3"}),
    AudioFormat.M4A: frozenset({"m4a", "m4b", "mp4"}),
}


class BitrateMode(StrEnum):
    """How the encoder says it spent its bits."""

    CONSTANT = "constant"
    AVERAGE = "average"
    VARIABLE = "variable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A named place in a recording."""

    starts: timedelta
    """From the beginning of the recording."""
    title: str
    ends: timedelta | None = None
    """None: at the next chapter, or at the end."""
    url: str | None = None
    image_url: str | None = None
    is_listed: bool = True
    """False: players show it while it sounds, but leave it out of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What the file says about itself to a reader of tags; None where it says nothing."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    track: int | None = None
    chapters: tuple[Chapter, ...] = ()
    cover_bytes: int = 0
    """Size of the picture inside the file; 0: there is none."""
    size_bytes: int = 0
    """All bytes of the file that are tags, not sound."""

    @property
    def has_cover(self) -> bool:
        """Whether a picture is inside the file."""
        return self.cover_bytes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """What a look at headers and tags tells about a file, without reading its sound."""

    file_name: str
    size_bytes: int
    format: AudioFormat
    is_readable: bool = True
    """False: it looks like its format, but its headers cannot be read."""
    is_encrypted: bool = False
    """Sold with a lock (DRM): nobody but the buyer's programs can play it."""
    is_cut: bool = False
    """The container itself announces more bytes than the file has."""
    duration: timedelta | None = None
    """As claimed by the headers; None: they do not tell."""
    is_duration_estimated: bool = False
    """True: no header tells the length; it was estimated from size and first frame, and may be
    wrong by a factor."""
    sound_bytes: int | None = None
    """Bytes of sound that the headers announce; None: they do not tell."""
    bitrate_bps: int | None = None
    bitrate_mode: BitrateMode = BitrateMode.UNKNOWN
    sample_rate_hz: int | None = None
    channels: int | None = None
    tags: Tags = Tags()

    @property
    def declared_extension(self) -> str:
        """The ending of the name, lower case and without dot; empty when it has none."""
        _, dot, ending = self.file_name.rpartition(".")
        return ending.lower() if dot else ""

    @property
    def title(self) -> str | None:
        """The title in the tags."""
        return self.tags.title

    @property
    def has_cover(self) -> bool:
        """Whether a picture is inside the file."""
        return self.tags.has_cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a recording, from the beginning of the recording."""

    starts: timedelta
    ends: timedelta

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends - self.starts


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeFacts:
    """What was heard in a recording."""

    is_finished: bool = True
    """False: a limit stopped ffmpeg; nothing else here is to be trusted."""
    scanned: timedelta = timedelta(0)
    """Length of all packets that look like sound."""
    duration: timedelta = timedelta(0)
    """Up to where sound could be decoded: the true length."""
    lost_packets: int = 0
    """Packets that could not be decoded."""
    junk_bytes: int = 0
    """Bytes between the sound that are no sound."""
    damaged_at: timedelta | None = None
    """Where the first of these is; None: nothing is damaged."""
    packet_length: timedelta = timedelta(0)
    """Average length of a packet."""
    loudness_lufs: float | None = None
    """Integrated loudness (EBU R 128); None: it is silent from beginning to end."""
    peak_db: float | None = None
    """True peak in dBTP; None: digital silence."""
    silences: tuple[Stretch, ...] = ()
    """Silent stretches in order."""
