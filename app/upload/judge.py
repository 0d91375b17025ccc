"""The verdict on each file, here, before anything is sent."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.upload.errors import UnreadableFile
from app.upload.folder import AudioFile, opened
from media.audio import AudioFacts, DecodeFacts
from media.decode import decode
from media.errors import FfmpegUnusable
from media.ffmpeg import find_ffmpeg
from media.findings import Finding, Verdict, verdict_of
from media.limits import DecodeLimits
from media.probe import probe
from media.rules import Expectations, first_findings, full_findings
from media.titles import title_from_name
from media.words import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A file with its verdict. `duration` is what was heard; None: unknown."""

    file: AudioFile
    title: str
    size_bytes: int
    sha256: str
    send_as: str
    duration: timedelta | None
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """What becomes of it."""
        return verdict_of(self.findings)

    def as_json(self, language: str) -> dict[str, Any]:
        """Answer it as one line of `--json`."""
        seconds = None if self.duration is None else round(self.duration.total_seconds(), 3)
        return {
            "file": self.file.name,
            "verdict": self.verdict.value,
            "duration_seconds": seconds,
            "findings": [
                {
                    "code": finding.code,
                    "severity": finding.severity.value,
                    "message": sentence(finding, language),
                }
                for finding in self.findings
            ],
        }


def find_listener() -> Path | None:
    """Answer where ffmpeg is; None: nowhere, and files can be looked at but not heard."""
    try:
        return find_ffmpeg()
    except FfmpegUnusable:
        return None


def judge_all(
    files: Sequence[AudioFile], expected: Expectations, ffmpeg: Path | None
) -> Iterator[Judged]:
    """Judge files in order; titles that stand twice in the folder are numbered, and that is said.

    Raises:
        UnreadableFile: a file cannot be read.
        FfmpegUnusable: ffmpeg cannot do what is needed.
    """
    taken: frozenset[str] = frozenset()
    for file in files:
        judged = judge(file, replace(expected, existing_titles=taken), ffmpeg)
        judged = replace(judged, title=_numbered(judged.title, taken))
        taken |= {judged.title}
        yield judged


def judge(file: AudioFile, expected: Expectations, ffmpeg: Path | None) -> Judged:
    """Look at a file, and hear it to the end where ffmpeg is at hand."""
    try:
        with opened(file.path) as source:
            size_bytes = file.path.stat().st_size
            facts = probe(source, file.name, size_bytes)
            source.seek(0)
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(file=file.name, why=error.strerror) from error
    title = file.line.title or facts.title or title_from_name(file.name)
    heard = _hear(file.path, facts, ffmpeg)
    return Judged(
        file=file,
        title=title,
        size_bytes=size_bytes,
        sha256=sha256,
        send_as=_send_as(facts),
        duration=heard.duration if heard and heard.is_finished and heard.duration else None,
        findings=_findings(
            facts, heard, replace(expected, title=title), is_heard=ffmpeg is not None
        ),
    )


def _hear(path: Path, facts: AudioFacts, ffmpeg: Path | None) -> DecodeFacts | None:
    if ffmpeg is None or not facts.format.is_accepted or not facts.is_readable:
        return None
    return decode(path, facts.format, ffmpeg, DecodeLimits())


def _findings(
    facts: AudioFacts, heard: DecodeFacts | None, expected: Expectations, *, is_heard: bool
) -> tuple[Finding, ...]:
    if is_heard:
        return full_findings(facts, heard or DecodeFacts(), expected)
    return first_findings(facts, expected)


def _send_as(facts: AudioFacts) -> str:
    """Answer the name under which it is sent: a file without an ending gets its true one."""
    if facts.declared_extension:
        return facts.file_name
    return f"{facts.file_name}.{facts.format.extension}"


def _numbered(title: str, taken: frozenset[str]) -> str:
    folded = {other.casefold() for other in taken}
    number, free = 1, title
    while free.casefold() in folded:
        number += 1
        free = f"{title} ({number})"
    return free
