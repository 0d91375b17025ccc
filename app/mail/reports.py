"""Reads what mail servers send back: delivery status (RFC 3464) and complaints (RFC 5965).

Anybody can write to the mailbox that these come to. So a report counts only when it names a mail
of ours by what nobody guesses (`app.mail.returns`), and nothing in it can break the reader.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser, Parser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from app.mail.returns import mark_of

# Ours are under 100 kB, and a report holds one of them at most.
MAX_REPORT_BYTES: Final = 2 * 2**20
# RFC 3464 sends one report per recipient or a few; more is nothing that we caused.
MAX_RECIPIENTS: Final = 20
MAX_LINE_CHARS: Final = 998
STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
SMTP_CODE: Final = re.compile(r"\b([45]\d\d)\b")
MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,200}>")
# Permanent by its first digit, but not about who it was for (RFC 3463 3.2 to 3.8): bad sender,
# mailbox full (which passes), message too big, system, protocol, content, policy.
NOT_ABOUT_RECIPIENT: Final = re.compile(r"5\.(1\.[78]|2\.[23]|3\.\d+|5\.\d+|6\.\d+|7\.\d+)$")


class Kind(StrEnum):
    """Nobody there; not this time; still trying; she does not want it; she said so elsewhere."""

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one mail to one recipient.

    `message_id` and `mark`: which mail, as far as the report says. `recipient`: whom the report
    names. `sent_at`, `happened_at`: None when it does not say. `diagnostic`: codes alone.
    """

    kind: Kind
    message_id: str | None = None
    mark: str | None = None
    recipient: str | None = None
    diagnostic: str | None = None
    sent_at: datetime | None = None
    happened_at: datetime | None = None


def read_report(raw: bytes, *, bounce_address: str | None = None) -> list[Report]:
    """Answer what a mail reports; empty: it is no report (an answer by a machine, a person, junk).

    Never raises, whatever the bytes are.
    """
    if len(raw) > MAX_REPORT_BYTES:
        return []
    try:
        message = BytesParser(policy=compat32).parsebytes(raw)
        return _read(message, bounce_address)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        # The standard library's reader trips over some broken mails; they are no reports of ours.
        return []


def kind_of_status(status: str | None) -> Kind:
    """Tell what a status says of the recipient (RFC 3463); none at all says nothing for good."""
    if not status or not status.startswith("5") or NOT_ABOUT_RECIPIENT.match(status):
        return Kind.SOFT
    return Kind.HARD


def codes_of(text: str) -> str | None:
    """Answer the codes in what a server said, such as "550 5.1.1", and nothing else of it."""
    code, status = SMTP_CODE.search(text), STATUS.search(text)
    return " ".join(found[0] for found in (code, status) if found) or None


def _read(message: Message, bounce_address: str | None) -> list[Report]:
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return []
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    by_type = {part.get_content_type(): part for part in reversed(parts)}
    returned = by_type.get("message/rfc822") or by_type.get("text/rfc822-headers")
    original = _original(returned)
    mark = _mark(message, original, bounce_address)
    message_id = _message_id(original)
    status = by_type.get("message/delivery-status")
    feedback = by_type.get("message/feedback-report")
    if status is not None:
        return list(_deliveries(status, message_id, mark))
    if feedback is not None:
        return _complaint(feedback, message_id, mark)
    return []


def _deliveries(part: Message, message_id: str | None, mark: str | None) -> Iterator[Report]:
    _of_message, *of_recipients = _blocks(part) or [Message()]
    for fields in of_recipients[:MAX_RECIPIENTS]:
        action = _field(fields, "Action").casefold()
        found = STATUS.search(_field(fields, "Status"))
        said = f"{_field(fields, 'Diagnostic-Code')} {found[0] if found else ''}"
        kind = kind_of_status(found[0] if found else None)
        if action == "delayed":
            kind = Kind.DELAYED
        elif action != "failed":
            continue
        yield Report(
            kind=kind,
            message_id=message_id,
            mark=mark,
            recipient=_address(fields, "Original-Recipient") or _address(fields, "Final-Recipient"),
            diagnostic=codes_of(said),
            happened_at=_instant(fields, "Last-Attempt-Date"),
        )


def _complaint(part: Message, message_id: str | None, mark: str | None) -> list[Report]:
    fields = _blocks(part)[0] if _blocks(part) else Message()
    # RFC 5965 7.3, RFC 6430: "not-spam" and the like are no complaints.
    if _field(fields, "Feedback-Type").casefold() not in {"abuse", "fraud", "other"}:
        return []
    return [
        Report(
            kind=Kind.COMPLAINT,
            message_id=message_id,
            mark=mark,
            recipient=_address(fields, "Original-Rcpt-To"),
            happened_at=_instant(fields, "Arrival-Date") or _instant(fields, "Received-Date"),
        )
    ]


def _blocks(part: Message) -> list[Message]:
    """Answer the groups of fields of a machine-readable part, however the parser left them."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    groups = re.split(r"\r?\n[ \t]*\r?\n", _text(part))
    return [Parser(policy=compat32).parsestr(group, headersonly=True) for group in groups if group]


def _original(part: Message | None) -> Message | None:
    if part is None:
        return None
    payload = part.get_payload()
    if isinstance(payload, list):
        return payload[0] if payload and isinstance(payload[0], Message) else None
    return Parser(policy=compat32).parsestr(_text(part), headersonly=True)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        payload = str(part.get_payload()).encode("utf-8", "replace")
    return payload.decode("utf-8", "replace").lstrip()


def _message_id(original: Message | None) -> str | None:
    found = MESSAGE_ID.search(_field(original, "Message-ID")) if original else None
    return found[0] if found else None


def _mark(message: Message, original: Message | None, bounce_address: str | None) -> str | None:
    named = [
        _field(source, name)
        for source, names in (
            (message, ("To", "Delivered-To", "X-Original-To", "Envelope-To")),
            (original, ("Return-Path",)),
        )
        if source is not None
        for name in names
    ]
    return next(filter(None, (mark_of(bounce_address, text) for text in named)), None)


def _address(fields: Message, name: str) -> str | None:
    """Read `rfc822; ben@example.org` (RFC 3464 2.3.1); None: not there, or of another kind."""
    kind, _, address = _field(fields, name).rpartition(";")
    if kind.strip().casefold() not in {"", "rfc822", "utf-8"} or "@" not in address:
        return None
    return address.strip().strip("<>")


def _instant(fields: Message, name: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(_field(fields, name))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _field(fields: Message, name: str) -> str:
    """Answer a field on one line, never longer than a line may be (RFC 5322 2.1.1).

    Without the NUL that RFC 5322 4 calls obsolete and no table keeps.
    """
    return " ".join(str(fields.get(name, "")).replace("\0", "").split())[:MAX_LINE_CHARS]
