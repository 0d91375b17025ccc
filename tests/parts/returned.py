"""Mails as they come back: what mail servers and feedback loops write, told by their fields."""

from email import policy
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser


def a_bounce(  # noqa: PLR0913 (each is one field of RFC 3464)
    *,
    message_id: str = "<0@example.org>",
    recipient: str = "ben@example.org",
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "smtp; 550 5.1.1 <ben@example.org>: no such user",
    to: str = "cadans@example.org",
    headers_only: bool = False,
) -> bytes:
    """A delivery status notification (RFC 3464) as Postfix sends it."""
    fields = (
        "Reporting-MTA: dns; mail.example.net\r\n"
        "Arrival-Date: Mon, 01 Jun 2026 08:00:00 +0200\r\n"
        "\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\n"
        f"Original-Recipient: rfc822;{recipient}\r\n"
        f"Action: {action}\r\n"
        f"Status: {status}\r\n"
        "Remote-MTA: dns; mx.example.org\r\n"
        f"Diagnostic-Code: {diagnostic}\r\n"
    )
    return _report("delivery-status", fields, message_id, to, headers_only=headers_only)


def a_complaint(
    *, message_id: str = "<0@example.org>", kind: str = "abuse", recipient: str = "ben@example.org"
) -> bytes:
    """An abuse report (RFC 5965) as feedback loops send it."""
    fields = (
        f"Feedback-Type: {kind}\r\n"
        "User-Agent: SomeGenerator/1.0\r\n"
        "Version: 1\r\n"
        f"Original-Rcpt-To: <{recipient}>\r\n"
        "Arrival-Date: Mon, 01 Jun 2026 10:00:00 +0200\r\n"
    )
    return _report("feedback-report", fields, message_id, "cadans@example.org")


def an_auto_reply(message_id: str) -> bytes:
    """What a mailbox says whose owner is away: an ordinary mail that names ours."""
    message = EmailMessage()
    message["From"] = "Ben <ben@example.org>"
    message["To"] = "cadans@example.org"
    message["Subject"] = "Ik ben er niet: Undelivered Mail 550 5.1.1"
    message["In-Reply-To"] = message_id
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("Tot maandag. 550 5.1.1")
    return message.as_bytes(policy=policy.SMTP)


def _report(
    kind: str, fields: str, message_id: str, to: str, *, headers_only: bool = False
) -> bytes:
    report = MIMEMultipart("report")
    report.set_param("report-type", kind)
    report["From"] = "MAILER-DAEMON@example.net"
    report["To"] = to
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.attach(MIMEText("This is the mail system."))
    report.attach(_machine_readable(kind, fields))
    report.attach(_headers(message_id) if headers_only else MIMEMessage(_original(message_id)))
    return report.as_bytes(policy=policy.SMTP)


def _machine_readable(kind: str, fields: str) -> Message:
    raw = f"Content-Type: message/{kind}\r\n\r\n{fields}\r\n".encode()
    return BytesParser(policy=policy.compat32).parsebytes(raw)


def _original(message_id: str) -> Message:
    original = MIMEText("Les 2 staat klaar.")
    original["Message-ID"] = message_id
    original["To"] = "ben@example.org"
    return original


def _headers(message_id: str) -> Message:
    part = MIMENonMultipart("text", "rfc822-headers")
    part.set_payload(f"Message-ID: {message_id}\r\nTo: ben@example.org\r\n")
    return part
