"""A recording heard once from beginning to end, and judged."""

from dataclasses import dataclass
from datetime import timedelta

from media.audio import AudioFacts, DecodeFacts
from media.decode import decode
from media.ffmpeg import find_ffmpeg
from media.findings import Finding, Severity
from media.limits import DecodeLimits
from media.probe import probe
from media.receive import Received
from media.rules import Expectations, full_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a full analysis found; `decoded` None: the file was refused before it was heard."""

    sha256: bytes
    facts: AudioFacts
    decoded: DecodeFacts | None
    findings: tuple[Finding, ...]

    @property
    def is_refused(self) -> bool:
        """Whether nobody may play it."""
        return any(finding.severity is Severity.REFUSE for finding in self.findings)

    @property
    def duration_ms(self) -> int | None:
        """How long it was heard to last; None: it was not heard to its end."""
        if self.decoded is None or not self.decoded.is_finished or not self.decoded.duration:
            return None
        return round(self.decoded.duration / timedelta(milliseconds=1))


def hear(received: Received, file_name: str, expected: Expectations, limits: DecodeLimits) -> Heard:
    """Hear a file that was taken in.

    Raises:
        FfmpegUnusable: there is no ffmpeg.
    """
    ffmpeg = find_ffmpeg()
    with received.path.open("rb") as file:
        facts = probe(file, file_name, received.size_bytes)
    decoded = None
    if facts.format.is_accepted and facts.is_readable:
        decoded = decode(received.path, facts.format, ffmpeg, limits)
    return Heard(
        sha256=bytes.fromhex(received.sha256),
        facts=facts,
        decoded=decoded,
        findings=full_findings(facts, decoded or DecodeFacts(), expected),
    )
