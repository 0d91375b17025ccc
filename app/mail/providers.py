"""What the mail providers tell, in the words of `reports`. Whatever is unknown tells nothing."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.mail.reports import Kind, Report, codes_of, kind_of_status

# What one message may tell of at most; SES sends to up to 50 recipients, we to one.
MAX_RECIPIENTS: Final = 50
# Postmark, "Bounce webhook" and "Bounce API: bounce types" (2026-11).
POSTMARK_HARD: Final = frozenset({"HardBounce", "BadEmailAddress"})
# The mail is lost, its mailbox is there. Not "Transient": Postmark still tries.
POSTMARK_SOFT: Final = frozenset({"SoftBounce", "DnsError", "Blocked", "SpamNotification"})
# Transient bounces of SES that lost a mail (same page). "General" may be an out-of-office answer.
SES_SOFT: Final = frozenset(
    {"MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected"}
)
POSTMARK_COMPLAINTS: Final = frozenset({"SpamComplaint"})


def read_ses(notification: Mapping[str, Any]) -> list[Report]:
    """Read what SES publishes ("Amazon SNS notification contents for Amazon SES", 2026-11)."""
    kind = notification.get("notificationType") or notification.get("eventType")
    mail, bounce = _object(notification, "mail"), _object(notification, "bounce")
    complaint = _object(notification, "complaint")
    told: Sequence[tuple[Kind, Mapping[str, Any]]] = ()
    about = complaint
    if kind == "Bounce" and (how := _ses_bounce(bounce)) is not None:
        told = [(how, each) for each in _list(bounce, "bouncedRecipients")]
        about = bounce
    elif kind == "Complaint" and complaint.get("complaintFeedbackType") != "not-spam":
        told = [(Kind.COMPLAINT, each) for each in _list(complaint, "complainedRecipients")]
    return [
        Report(
            kind=each,
            message_id=_header(mail, "message-id"),
            recipient=_text(recipient, "emailAddress"),
            diagnostic=codes_of(
                f"{recipient.get('diagnosticCode', '')} {recipient.get('status', '')}"
            ),
            sent_at=_moment(mail.get("timestamp")),
            happened_at=_moment(about.get("timestamp")),
        )
        for each, recipient in told[:MAX_RECIPIENTS]
    ]


def read_mailgun(event: Mapping[str, Any]) -> list[Report]:
    """Read an event of Mailgun (its user manual, "Event structure", 2026-11)."""
    status = _object(event, "delivery-status")
    code = f"{status.get('code', '')} {status.get('enhanced-code', '')}"
    kind = {"complained": Kind.COMPLAINT, "unsubscribed": Kind.ASKED}.get(str(event.get("event")))
    if event.get("event") == "failed" and event.get("severity") == "permanent":
        kind = _mailgun_failure(event, str(status.get("enhanced-code") or ""))
    message_id = _text(_object(_object(event, "message"), "headers"), "message-id")
    if kind is None:
        return []
    return [
        Report(
            kind=kind,
            message_id=f"<{message_id.strip('<>')}>" if message_id else None,
            recipient=_text(event, "recipient"),
            diagnostic=codes_of(code),
            happened_at=_moment(event.get("timestamp")),
        )
    ]


def read_postmark(event: Mapping[str, Any]) -> list[Report]:
    """Read a webhook of Postmark: bounce, spam complaint, subscription change."""
    record, bounce = event.get("RecordType"), event.get("Type")
    kind: Kind | None = None
    if record == "SpamComplaint" or (record == "Bounce" and bounce in POSTMARK_COMPLAINTS):
        kind = Kind.COMPLAINT
    elif record == "Bounce":
        kind = _postmark_bounce(str(bounce))
    elif record == "SubscriptionChange" and _left_by_herself(event):
        kind = Kind.ASKED
    if kind is None:
        return []
    return [
        Report(
            kind=kind,
            recipient=_text(event, "Email") or _text(event, "Recipient"),
            diagnostic=codes_of(_text(event, "Details") or ""),
            happened_at=_moment(event.get("BouncedAt") or event.get("ChangedAt")),
        )
    ]


def _ses_bounce(bounce: Mapping[str, Any]) -> Kind | None:
    if bounce.get("bounceType") == "Permanent":
        return Kind.HARD
    is_soft = bounce.get("bounceType") == "Transient" and bounce.get("bounceSubType") in SES_SOFT
    return Kind.SOFT if is_soft else None


def _mailgun_failure(event: Mapping[str, Any], status: str) -> Kind:
    """A mail that was tried for too long failed for good; its mailbox may well be there."""
    if event.get("reason") == "old":
        return Kind.SOFT
    return kind_of_status(status) if status else Kind.HARD


def _postmark_bounce(kind: str) -> Kind | None:
    if kind in POSTMARK_HARD:
        return Kind.HARD
    return Kind.SOFT if kind in POSTMARK_SOFT else None


def _left_by_herself(event: Mapping[str, Any]) -> bool:
    is_hers = event.get("Origin") == "Recipient"
    is_manual = event.get("SuppressionReason") == "ManualSuppression"
    return event.get("SuppressSending") is True and is_hers and is_manual


def _header(mail: Mapping[str, Any], name: str) -> str | None:
    """SES gives a mail a Message-ID of its own; ours is among the headers, when it sends those."""
    for header in _list(mail, "headers"):
        if str(header.get("name", "")).casefold() == name:
            return _text(header, "value")
    return None


def _object(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = source.get(name)
    return found if isinstance(found, dict) else {}


def _list(source: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = source.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(source: Mapping[str, Any], name: str) -> str | None:
    """Answer a text that a table can keep: no NUL, no half of a surrogate pair."""
    found = source.get(name)
    if not isinstance(found, str) or not found:
        return None
    return found[:998].replace("\0", "").encode("utf-8", "replace").decode() or None


def _moment(value: object) -> datetime | None:
    """Read seconds since 1970, or ISO 8601 with any number of digits behind the second."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value)))
    except (ValueError, OverflowError, OSError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
