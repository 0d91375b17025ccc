"""What a check of a file has to say: findings, and the verdict that follows from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Value = str | int | float


class Severity(StrEnum):
    """How much a finding matters."""

    REFUSE = "refuse"
    """The file cannot be used."""
    WARN = "warn"
    """It can be used, but listeners would notice."""
    NOTE = "note"
    """Good to know."""


class Verdict(StrEnum):
    """What becomes of a file."""

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"


class Code(StrEnum):
    """Everything that a check can say."""

    EMPTY = "empty"
    TOO_BIG = "too-big"
    PROTECTED = "protected"
    NOT_AUDIO = "not-audio"
    NOT_SOUND = "not-sound"
    ALAC = "alac"
    VIDEO = "video"
    PROJECT = "project"
    DISGUISED = "disguised"
    WRONG_FORMAT = "wrong-format"
    UNREADABLE = "unreadable"
    CUT_OFF_UNKNOWN = "cut-off-unknown"
    WRONG_ENDING = "wrong-ending"
    CUT_OFF = "cut-off"
    GLUED = "glued"
    DAMAGED = "damaged"
    SILENT = "silent"
    CHECK_STOPPED = "check-stopped"
    CHANGED_ON_THE_WAY = "changed-on-the-way"
    TOO_LONG = "too-long"
    TOO_SHORT = "too-short"
    GLITCH = "glitch"
    TOO_QUIET = "too-quiet"
    TOO_LOUD = "too-loud"
    PEAKS = "peaks"
    SILENCE_AT_START = "silence-at-start"
    SILENCE_AT_END = "silence-at-end"
    SILENCE_INSIDE = "silence-inside"
    NO_LENGTH = "no-length"
    WRONG_LENGTH = "wrong-length"
    TITLE_CLASH = "title-clash"
    SURROUND = "surround"
    LOW_BITRATE = "low-bitrate"
    ODD_SAMPLE_RATE = "odd-sample-rate"
    NO_COVER = "no-cover"
    COVER_EMPTY = "cover-empty"
    COVER_TOO_BIG = "cover-too-big"
    COVER_NOT_PICTURE = "cover-not-picture"
    COVER_WRONG_FORMAT = "cover-wrong-format"
    COVER_WRONG_ENDING = "cover-wrong-ending"
    COVER_TOO_MANY_PIXELS = "cover-too-many-pixels"
    COVER_DAMAGED = "cover-damaged"
    COVER_ANIMATED = "cover-animated"
    COVER_NOT_SQUARE = "cover-not-square"
    COVER_TOO_SMALL = "cover-too-small"
    COVER_TOO_LARGE = "cover-too-large"
    COVER_CMYK = "cover-cmyk"
    COVER_NOT_RGB = "cover-not-rgb"
    COVER_ALPHA = "cover-alpha"
    COVER_TURNED = "cover-turned"
    COVER_HEAVY = "cover-heavy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check has to say; ``media.words.sentence`` says it in words.

    Values are plain (text and numbers) and carry their unit at the end of their name:
    ``_seconds``, ``_bytes``, ``_bps``, ``_hz``, ``_lufs``, ``_db``, ``_px``.
    """

    code: str
    severity: Severity
    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __hash__(self) -> int:
        return hash((self.code, self.severity, tuple(sorted(self.values.items()))))

    def as_json(self) -> dict[str, object]:
        """The finding as plain values, to be kept; ``finding_from_json`` reads it back."""
        return {"code": self.code, "severity": self.severity.value, "values": dict(self.values)}


def finding_from_json(kept: Mapping[str, object]) -> Finding:
    """The finding that ``as_json`` wrote.

    Raises:
        ValueError: it was not written by ``as_json``.
    """
    code, values = kept.get("code"), kept.get("values")
    if not isinstance(code, str) or not isinstance(values, Mapping):
        raise ValueError(f"not a finding: {kept!r}")  # noqa: TRY004 - it is content that is wrong
    plain = {str(key): value for key, value in values.items() if isinstance(value, Value)}
    return Finding(code=code, severity=Severity(str(kept.get("severity"))), values=plain)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """What becomes of a file with these findings: the gravest one decides."""
    severities = {finding.severity for finding in findings}
    if Severity.REFUSE in severities:
        return Verdict.REFUSE
    return Verdict.WARN if Severity.WARN in severities else Verdict.ACCEPT
