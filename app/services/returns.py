"""Mail that comes back: from a report to the address that takes no mail.

The mail it is about is looked up in the outbox, so that the address is the one that we wrote to,
whatever mailbox behind it (a forward, a list) refused the mail.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import OutboxMail
from app.kinds import SuppressionReason
from app.mail.reports import Kind, Report
from app.services import soft_bounces, suppressions
from app.services.email_addresses import AddressInvalid, parse_address
from app.services.suppressions import Trouble

MAX_DIAGNOSTIC_CHARS: Final = 64
REASONS: Final = {
    Kind.HARD: SuppressionReason.HARD_BOUNCE,
    Kind.COMPLAINT: SuppressionReason.COMPLAINT,
    Kind.ASKED: SuppressionReason.ASKED,
}


def take(session: Session, report: Report, *, source: str, is_trusted: bool, now: datetime) -> bool:
    """Act on one report; False: it says nothing for good, or nothing that we can believe.

    What came back for now stops nothing; it is written down for the owner.

    `is_trusted`: whoever sent it has proven who they are, so that an address is enough. Otherwise
    it must name a mail of ours.
    """
    reason = REASONS.get(report.kind)
    mail = _find_mail(session, report)
    key = _key(mail.address if mail else None) or _key(report.recipient)
    if key is None or (mail is None and not is_trusted):
        return False
    diagnostic = (report.diagnostic or "")[:MAX_DIAGNOSTIC_CHARS] or None
    if report.kind is Kind.SOFT:
        soft_bounces.note(session, key, source=source, diagnostic=diagnostic, now=now)
    if reason is None:
        return False
    trouble = Trouble(
        email_key=key,
        reason=reason,
        source=source,
        diagnostic=diagnostic,
        sent_at=(mail.sent_at if mail else None) or report.sent_at or report.happened_at,
        happened_at=report.happened_at,
    )
    return suppressions.suppress(session, trouble, now=now)


def _find_mail(session: Session, report: Report) -> OutboxMail | None:
    found = None
    if report.message_id:
        same = OutboxMail.message_id == report.message_id
        found = session.scalar(select(OutboxMail).where(same))
    if found is None and report.mark:
        marked = OutboxMail.message_id.startswith(f"<{report.mark}@")
        found = session.scalars(select(OutboxMail).where(marked).limit(1)).first()
    return found


def _key(address: str | None) -> str | None:
    try:
        return parse_address(address).key if address else None
    except AddressInvalid:
        return None
