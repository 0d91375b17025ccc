"""Addresses that seem to have leaked: shown to the owner with the reasons, answered step by step.

The steps are gentle and the owner says how far the house may go by itself: tell the listener, offer
her a new address, pause. Each is taken once, and the next one only when new signs come a week
later. A new address ends it all: what was seen of the old one counts no more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session, contains_eager, selectinload

from app.db.models import Course, FeedAddress, LeakCase, LeakSignal, Listener, Subscription
from app.errors import SubscriptionNotFound
from app.kinds import LeakAnswer
from app.services import leak_signs, outbox, pauses
from app.services.leak_rules import SUSPICIOUS, Sign, score

NOTICE_TEMPLATE: Final = "leak"
STEPS: Final = (LeakAnswer.SHOW, LeakAnswer.TELL, LeakAnswer.OFFER, LeakAnswer.PAUSE)
# A sign counts this long; before the next step she has this long to do something.
COUNTS_FOR: Final = timedelta(days=14)
GRACE: Final = timedelta(days=7)
_LOADED: Final = (contains_eager(Subscription.course), selectinload(Subscription.listener))


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A subscription whose address seems to have leaked, with the reasons, the newest first.

    `step`: how far the house went. `is_dismissed`: the owner said that it is fine.
    """

    subscription: Subscription
    listener: Listener
    address: FeedAddress
    signs: tuple[Sign, ...]
    case: LeakCase | None

    @property
    def score(self) -> int:
        """Answer how sure it is, 0 to 100."""
        return score(self.signs)

    @property
    def step(self) -> LeakAnswer:
        """Answer how far the house went."""
        return self.case.step if self.case else LeakAnswer.SHOW

    @property
    def is_dismissed(self) -> bool:
        """Tell whether the owner said that it is fine."""
        return self.case is not None and self.case.dismissed_at is not None

    def since(self, day: date) -> int:
        """Answer the score of what was seen after a day."""
        return score(sign for sign in self.signs if sign.seen_on > day)


def of_course(session: Session, course_id: int, *, now: datetime) -> list[Suspect]:
    """Answer whose address in a course seems to have leaked, the surest first."""
    found = [
        each
        for each in _suspects(session, now, Subscription.course_id == course_id)
        if each.score >= SUSPICIOUS
    ]
    return sorted(found, key=lambda each: (each.is_dismissed, -each.score, each.subscription.id))


def choose_answer(session: Session, course_id: int, answer: LeakAnswer) -> None:
    """Say how far the house may go by itself in a course; no open form of it grows stale."""
    session.execute(update(Course).where(Course.id == course_id).values(leak_answer=answer))


def dismiss(session: Session, course_id: int, subscription_id: int, *, now: datetime) -> None:
    """Say that it is fine: nothing is done until she has another address.

    Raises:
        SubscriptionNotFound: the course has none by that id.
    """
    subscription = session.get(Subscription, subscription_id, with_for_update=True)
    if subscription is None or subscription.course_id != course_id:
        raise SubscriptionNotFound(subscription_id)
    case = _case(session, subscription_id, now)
    case.dismissed_at = now
    session.flush()


def take_steps(session: Session, *, host: str, now: datetime) -> int:
    """Do what owners allowed where an address seems to have leaked; answer for how many."""
    allowed = Course.leak_answer != LeakAnswer.SHOW
    due = [
        (each, step)
        for each in _suspects(session, now, allowed, is_locking=True)
        if (step := _next_step(each, now)) is not None
    ]
    for suspect, step in due:
        _take(session, suspect, step, host=host, now=now)
    return len(due)


def forget_old(session: Session, *, kept_for: timedelta, now: datetime) -> int:
    """Throw away signs that are long over, and the networks of yesterday; answer how many rows."""
    before = now.astimezone(UTC).date() - kept_for
    gone: Any = session.execute(delete(LeakSignal).where(LeakSignal.seen_on < before))
    return int(gone.rowcount) + leak_signs.forget_networks(session, now=now)


def _next_step(suspect: Suspect, now: datetime) -> LeakAnswer | None:
    if suspect.is_dismissed:
        return None
    allowed = STEPS.index(suspect.subscription.course.leak_answer)
    following = STEPS.index(suspect.step) + 1
    if following > allowed:
        return None
    case = suspect.case
    if case is None:
        is_due = suspect.score >= SUSPICIOUS
    else:
        is_new = suspect.since(case.stepped_at.astimezone(UTC).date()) >= SUSPICIOUS
        is_due = is_new and now >= case.stepped_at + GRACE
    return STEPS[following] if is_due else None


def _take(
    session: Session, suspect: Suspect, step: LeakAnswer, *, host: str, now: datetime
) -> None:
    subscription = suspect.subscription
    case = _case(session, subscription.id, now)
    case.step, case.stepped_at = step, now
    if step is LeakAnswer.PAUSE:
        pauses.pause(session, subscription.id, until=None, host=host, now=now)
    notice = outbox.Notice(
        name=f"leak:{suspect.address.id}:{step.value}",
        template=NOTICE_TEMPLATE,
        language=subscription.language,
        address=suspect.listener.email,
        subscription_id=subscription.id,
        ids={"step": step.value},
    )
    outbox.put(session, notice, host=host, now=now)


def _case(session: Session, subscription_id: int, now: datetime) -> LeakCase:
    """Answer the case of a subscription's present address, opened if need be."""
    case = session.get(LeakCase, subscription_id, populate_existing=True)
    address = _addresses(session, [subscription_id]).get(subscription_id)
    if case is None:
        case = LeakCase(subscription_id=subscription_id, step=LeakAnswer.SHOW, stepped_at=now)
        session.add(case)
    elif address is not None and case.stepped_at < address.created_at:
        case.step, case.stepped_at, case.dismissed_at = LeakAnswer.SHOW, now, None
    return case


def _suspects(
    session: Session, now: datetime, which: ColumnElement[bool], *, is_locking: bool = False
) -> list[Suspect]:
    """Answer every living subscription with a sign of its present address; one query a table."""
    signs = _signs(session, now, which)
    query = (
        select(Subscription)
        .join(Subscription.course)
        .where(Subscription.id.in_(signs), Subscription.ended_at.is_(None))
        .order_by(Subscription.id)
        .options(*_LOADED)
    )
    if is_locking:
        query = query.with_for_update(of=Subscription, skip_locked=True)
    subscriptions = session.scalars(query).all()
    ids = [each.id for each in subscriptions]
    addresses = _addresses(session, ids)
    cases = {
        each.subscription_id: each
        for each in session.scalars(select(LeakCase).where(LeakCase.subscription_id.in_(ids)))
    }
    return [
        suspect
        for each in subscriptions
        if each.id in addresses
        and (suspect := _suspect(each, addresses[each.id], signs[each.id], cases.get(each.id)))
    ]


def _suspect(
    subscription: Subscription, address: FeedAddress, signs: Iterable[Sign], case: LeakCase | None
) -> Suspect | None:
    """Put together what concerns the present address; None: nothing does."""
    since = address.created_at.astimezone(UTC).date()
    # Not its first day either: who has just signed up tries one app after another.
    own = tuple(sign for sign in signs if sign.seen_on > since)
    if not own:
        return None
    return Suspect(
        subscription=subscription,
        listener=subscription.listener,
        address=address,
        signs=own,
        case=case if case and case.stepped_at >= address.created_at else None,
    )


def _signs(session: Session, now: datetime, which: ColumnElement[bool]) -> Mapping[int, list[Sign]]:
    earliest = now.astimezone(UTC).date() - COUNTS_FOR
    found: defaultdict[int, list[Sign]] = defaultdict(list)
    rows = session.scalars(
        select(LeakSignal)
        .join(Subscription, Subscription.id == LeakSignal.subscription_id)
        .join(Course, Course.id == Subscription.course_id)
        .where(LeakSignal.seen_on >= earliest, which)
        .order_by(LeakSignal.seen_on.desc(), LeakSignal.id)
    )
    for row in rows:
        sign = Sign(kind=row.kind, seen_on=row.seen_on, amount=row.amount, names=row.names)
        found[row.subscription_id].append(sign)
    return found


def _addresses(session: Session, ids: Sequence[int]) -> Mapping[int, FeedAddress]:
    rows = session.scalars(
        select(FeedAddress).where(
            FeedAddress.subscription_id.in_(ids), FeedAddress.retired_at.is_(None)
        )
    )
    return {row.subscription_id: row for row in rows}
