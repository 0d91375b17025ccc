"""Judges what stands beside the audio: cover, transcripts, chapters, signs of privacy. Pure."""

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from app.doctor.addresses import has_secret_in_query, mask
from app.doctor.document import Asset, Document
from app.doctor.fetch import Answer
from app.doctor.look import Seen
from app.doctor.report import Check, Grade
from media.artwork import judge_cover
from media.findings import Severity
from media.words import sentence

OK: Final = 200
_CAPTIONS: Final = {"text/vtt", "application/x-subrip", "application/srt", "text/srt"}
_CHAPTERS: Final = {"application/json+chapters", "application/json"}


def judge_extras(seen: Seen) -> Iterator[Check]:
    """Yield what is to be said of cover, transcripts and chapters."""
    if seen.cover is not None:
        yield from _cover(seen.cover)
    for asset, answer in seen.assets:
        yield from _asset(asset, answer)


def judge_privacy(seen: Seen) -> Iterator[Check]:
    """Yield what a private feed leaves to be desired; nothing for one that is open to all."""
    document = seen.document
    if document is None:
        return
    if not document.says_private:
        return
    for code, is_missing, message, remedy in _hygiene(document, seen.wanted.address):
        if is_missing:
            yield Check(code=code, grade=Grade.NOTE, message=message, remedy=remedy)


def _cover(cover: Answer) -> Iterator[Check]:
    if cover.trouble or cover.status != OK:
        yield Check(
            code="cover.status",
            grade=Grade.WARN,
            message=f"The cover is answered with {cover.trouble or cover.status}.",
            remedy="Put the picture where itunes:image says it is.",
        )
        return
    if cover.asked.startswith("http://") and cover.url.startswith("https://"):
        yield Check(
            code="cover.https",
            grade=Grade.NOTE,
            message="The cover's address is http, and redirects to https.",
            remedy="Name the https address in the feed.",
        )
    name = urlsplit(cover.asked).path.rpartition("/")[2]
    for finding in judge_cover(cover.body, name)[1]:
        refused = finding.severity is Severity.REFUSE
        yield Check(
            code="cover.refused" if refused else "cover.remark",
            grade=Grade.WARN if refused else Grade.NOTE,
            message=f"The cover: {sentence(finding, 'en')}",
        )


def _asset(asset: Asset, answer: Answer) -> Iterator[Check]:
    if answer.trouble or answer.status != OK:
        yield Check(
            code=f"{asset.kind}.status",
            grade=Grade.WARN,
            message=f"{mask(asset.url)} is answered with {answer.trouble or answer.status}.",
            remedy="Put the file there, or take the tag out.",
        )
        return
    if answer.media_type != asset.type:
        yield Check(
            code=f"{asset.kind}.type",
            grade=Grade.WARN,
            message=f"{mask(asset.url)} is {answer.media_type or 'not said'}; the feed says"
            f" {asset.type or 'nothing'}.",
            remedy="Say the same in both places; apps choose by it.",
        )
    if not _is_readable(asset, answer.body):
        yield Check(
            code=f"{asset.kind}.content",
            grade=Grade.WARN,
            message=f"{mask(asset.url)} cannot be read as {asset.type}.",
            remedy="Upload it again.",
        )


def _is_readable(asset: Asset, body: bytes) -> bool:
    if asset.kind == "chapters" and asset.type in _CHAPTERS:
        try:
            return isinstance(json.loads(body).get("chapters"), list)
        except (ValueError, AttributeError, RecursionError):
            return False
    if asset.type == "text/vtt":
        return body.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT")
    return bool(body.strip()) or asset.type not in _CAPTIONS


def _hygiene(document: Document, address: str) -> tuple[tuple[str, bool, str, str], ...]:
    return (
        (
            "privacy.itunes-block",
            not document.is_blocked_itunes,
            "The feed is private, but itunes:block is missing.",
            "Apple's directory heeds it: Yes.",
        ),
        (
            "privacy.podcast-block",
            not document.is_blocked_podcast,
            "The feed is private, but podcast:block is missing.",
            "Other directories heed it: yes.",
        ),
        (
            "privacy.locked",
            document.locked.lower() != "yes",
            "The feed is private, but podcast:locked does not say yes.",
            "Then no other host imports it.",
        ),
        (
            "privacy.email",
            bool(document.owner_email),
            "The feed is private, and has the owner's e-mail address in it.",
            "Leave itunes:owner out: it serves directories only.",
        ),
        (
            "privacy.query",
            has_secret_in_query(address),
            "What makes the address secret stands after the question mark.",
            "Put it in the path: some apps and proxies write down or drop a query.",
        ),
    )
