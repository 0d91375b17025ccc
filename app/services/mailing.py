"""The outbox carried out: each mail claimed with a lease, written, sent, and marked.

No transaction is open while a mail server is spoken to. An address that takes no mail gets none
(`suppressions`), and each domain gets so many a minute (`pacing`). A worker killed before it sent
has lost nothing; one killed after it sent and before it said so makes the next one send again, with
the same Message-ID (SMTP promises no more than at least once).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

import structlog
from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from app.db.models import Confirmation, OutboxMail, Suppression
from app.house import House
from app.kinds import SuppressionReason
from app.mail.letters import Postmark, compose
from app.mail.returns import envelope_sender
from app.mail.transport import (
    MailLine,
    MailRefused,
    MailServerUnreachable,
    RecipientBusy,
    RecipientRefused,
)
from app.services import (
    email_changes,
    hooks,
    letters,
    limits,
    mail_times,
    outbox,
    pacing,
    soft_bounces,
    suppressions,
)
from app.services.email_addresses import parse_address
from app.services.letter_parts import Desk, NotWanted
from app.services.links import Links
from app.services.suppressions import Trouble

log = structlog.get_logger()

# Longer than every step of a conversation with a slow mail server together (20 s each).
LEASE: Final = timedelta(minutes=5)
# How long to wait after the first, second … failed try; when these are used up we give up: about
# three days, of the four to five that RFC 5321 4.5.4.1 asks of mail servers behind us.
BACKOFF: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440)
)
# These are for one moment: an hour later nobody waits for them any more.
SHORT_BACKOFF: Final = (*BACKOFF[:3], timedelta(minutes=30))
SHORT_LIVED: Final = frozenset({"sign_in", "password_reset"})
# The last word to somebody who is erased: its row goes when it was sent, or when we give up.
FORGOTTEN_AT_ONCE: Final = frozenset({"erased"})
# How many mails one call sends at most, so that a worker told to stop does so soon.
BATCH: Final = 50


class Outcome(Enum):
    """What became of one try."""

    SENT = auto()
    DROPPED = auto()
    REFUSED = auto()
    BUSY = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One mail that is ours until the lease ends."""

    mail: OutboxMail
    leased_until: datetime
    # False: people sleep, or the minute of its domain is full; it has a later turn.
    is_its_turn: bool = True


def send_due(house: House, *, limit: int = BATCH) -> int:
    """Send what is due, at most `limit` mails; answer for how many that is settled.

    Stops at a mail server that does not answer: one that is down is not asked for every mail. A
    recipient or a domain that is busy holds up nobody else. One connection serves them all.
    """
    with house.mail.line() as line:
        for done in range(limit):
            claim = _claim(house)
            if claim is None:
                return done
            if claim.is_its_turn and _try(house, line, claim) is Outcome.UNREACHABLE:
                return done
    return limit


def forget_old(house: House) -> int:
    """Throw away what we promised to: answer how many rows were touched.

    Addresses and ids of mails some days after sending (30 at most), sign-ups that were not
    confirmed in time, salts and counts of days that are over.
    """
    now = house.clock()
    before = now - house.settings.keep_mails
    with house.database.writing() as session:
        old = or_(OutboxMail.sent_at < before, OutboxMail.failed_at < before)
        mails: Any = session.execute(
            update(OutboxMail)
            .where(old, OutboxMail.address.is_not(None))
            .values(address=None, ids={})
        )
        gone: Any = session.execute(delete(Confirmation).where(Confirmation.expires_at <= now))
        return (
            int(mails.rowcount + gone.rowcount)
            + email_changes.forget_old(session, now=now)
            + limits.forget(session, now=now)
            + suppressions.forget_strangers(session)
            + soft_bounces.forget_old(session, now=now)
            + pacing.forget_idle(session, now=now)
            + hooks.forget_tokens(session, now=now)
        )


def desk_of(house: House) -> Desk:
    """Answer where the letters of this house are written."""
    return Desk(links=Links(keys=house.settings.secret_keys), base_url=house.settings.base_url)


def _claim(house: House) -> Claim | None:
    now = house.clock()
    leased_until = now + LEASE
    with house.database.writing() as session:
        mail = outbox.find_due(session, now)
        if mail is None:
            return None
        held_until = mail_times.held_until(session, mail, now)
        if held_until > now:
            mail.due_at = held_until
            return Claim(mail=mail, leased_until=leased_until, is_its_turn=False)
        turn_at = _turn(session, mail, house.settings.mail_pace, now)
        if turn_at > now:
            mail.due_at = mail.paced_at = turn_at
            return Claim(mail=mail, leased_until=leased_until, is_its_turn=False)
        mail_times.gather_news(session, mail)
        mail.leased_until = leased_until
        mail.attempts += 1
    return Claim(mail=mail, leased_until=leased_until)


def _turn(session: Session, mail: OutboxMail, per_minute: int, now: datetime) -> datetime:
    domain = pacing.domain_of(mail.address or "")
    if mail.is_waited_for:
        return pacing.held_until(session, domain) or now
    return pacing.take_turn(session, domain, per_minute=per_minute, now=now, turn_at=mail.paced_at)


def _try(house: House, line: MailLine, claim: Claim) -> Outcome:
    outcome = _carry_out(house, line, claim)
    house.figures.tried_mail(claim.mail.template, outcome.name.lower())
    return outcome


def _carry_out(house: House, line: MailLine, claim: Claim) -> Outcome:
    now = house.clock()
    try:
        _send(house, line, claim.mail, now)
    except NotWanted as error:
        _drop(house, claim, error)
        return Outcome.DROPPED
    except MailRefused as error:
        _give_up(house, claim, error, now)
        return Outcome.REFUSED
    except RecipientBusy as error:
        _wait_for(house, claim, error, now)
        return Outcome.BUSY
    except MailServerUnreachable as error:
        _put_off(house, claim, str(error), now)
        return Outcome.UNREACHABLE
    except Exception as error:
        log.exception("mail_not_written", template=claim.mail.template)
        _put_off(house, claim, type(error).__name__, now)
        return Outcome.REFUSED
    _settle(house, claim, sent_at=house.clock(), last_error=None, address=claim.mail.address)
    return Outcome.SENT


def _send(house: House, line: MailLine, mail: OutboxMail, now: datetime) -> None:
    with house.database.reading() as session:
        letter = letters.write(session, mail, desk=desk_of(house), now=now)
        held = suppressions.find(session, parse_address(letter.address).key)
    # What comes back is about the address it went to; that of the notice may be an older one.
    mail.address = letter.address
    if held is not None:
        _ask_to_pass(house, held, mail.template, now)
    settings = house.settings
    postmark = Postmark(sender=settings.mail_from, message_id=mail.message_id, sent_at=now)
    sender = envelope_sender(settings.bounce_address, mail.message_id)
    line.send(compose(letter, postmark), sender=sender)


def _ask_to_pass(house: House, held: Suppression, template: str, now: datetime) -> None:
    with house.database.writing() as session:
        if not suppressions.lets_through(session, held.email_key, template, now=now):
            raise NotWanted(suppressions.WHY[held.reason])


def _give_up(house: House, claim: Claim, why: MailRefused, now: datetime) -> None:
    """Settle a mail that nobody will take; when that is about its address, stop mail there."""
    _settle(house, claim, failed_at=now, last_error=str(why))
    if isinstance(why, RecipientRefused) and claim.mail.address:
        trouble = Trouble(
            email_key=parse_address(claim.mail.address).key,
            reason=SuppressionReason.REFUSED,
            source="smtp",
            diagnostic=why.diagnostic,
            sent_at=now,
        )
        with house.database.writing() as session:
            suppressions.suppress(session, trouble, now=now)


def _wait_for(house: House, claim: Claim, why: RecipientBusy, now: datetime) -> None:
    """Try this one again later, and its whole domain too when that is what the answer says."""
    is_over = _put_off(house, claim, str(why), now)
    address = claim.mail.address
    if not address or not (why.is_domain or is_over):
        return
    with house.database.writing() as session:
        if why.is_domain:
            pacing.hold(session, pacing.domain_of(address), now=now)
        if is_over:
            key = parse_address(address).key
            soft_bounces.note(session, key, source="smtp", diagnostic=why.diagnostic, now=now)


def _settle(house: House, claim: Claim, **values: object) -> None:
    is_over = "sent_at" in values or "failed_at" in values
    with house.database.writing() as session:
        session.execute(
            update(OutboxMail)
            .where(OutboxMail.id == claim.mail.id, *_still_ours(claim, values))
            .values(leased_until=None, **values)
        )
        if "sent_at" in values:
            pacing.takes_mail(session, pacing.domain_of(str(values["address"])))
        if is_over and claim.mail.template in FORGOTTEN_AT_ONCE:
            _delete(session, claim.mail.id)


def _still_ours(claim: Claim, values: dict[str, object]) -> Sequence[Any]:
    """Whoever sent may always say so; anything else only who still holds the lease."""
    return () if "sent_at" in values else (OutboxMail.leased_until == claim.leased_until,)


def _put_off(house: House, claim: Claim, why: str, now: datetime) -> bool:
    """Try it again later; True: it was tried for the last time, and is given up."""
    waits = SHORT_BACKOFF if claim.mail.template in SHORT_LIVED else BACKOFF
    tries = claim.mail.attempts
    if tries > len(waits):
        _settle(house, claim, failed_at=now, last_error=why)
        return True
    due_at = now + waits[tries - 1]
    _settle(house, claim, due_at=due_at, paced_at=None, last_error=why)
    return False


def _drop(house: House, claim: Claim, why: NotWanted) -> None:
    if not why.leaves_no_trace:
        _settle(house, claim, failed_at=house.clock(), last_error=str(why), address=None, ids={})
        return
    with house.database.writing() as session:
        _delete(session, claim.mail.id)


def _delete(session: Session, mail_id: int) -> None:
    session.execute(delete(OutboxMail).where(OutboxMail.id == mail_id))
