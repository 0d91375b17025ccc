"""Writing unlocks down: once each, with one notice for what is news, in the caller's transaction.

What may be heard never waits for this (`app.services.unlocks`). It is written down so that it stays
whatever the plan says later, and so that a mail goes out exactly once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.db.many import insert_many, is_one_of, update_many
from app.db.models import Course, Listener, Subscription, Unlock
from app.errors import PlanChanged
from app.services import due, mail_times, outbox
from app.services.unlocks import Plan, load_plans
from feeds.rhythm import Unlock as UnlockedLesson
from feeds.rhythm import due_and_next

NOTICE_TEMPLATE = "lesson_unlocked"
# RFC 5322 3.6.4 wants a Message-ID to be unique, which its left half sees to; who changes a plan
# does not know under which host the house runs (RFC 2606: this one never exists).
SOME_HOST = "cadans.invalid"


def record_due(session: Session, *, now: datetime, limit: int, host: str) -> int:
    """Write down what became due, for at most `limit` subscriptions; answer for how many.

    Each gets its unlock rows, its next_unlock_at under the course's present plan and, when there
    is news, one notice in the outbox, all in the caller's transaction. Two workers at once take
    different subscriptions (PostgreSQL) or turns (SQLite, inside `Database.writing`). 0 means that
    nothing is due. `host` is the host of BASE_URL.

    Raises:
        PlanChanged: the plan of a course moved on meanwhile; roll back and come again.
    """
    claimed = due.claim_due(session, now=now, limit=limit) or due.claim_stale(session, limit=limit)
    _hold_plans(session, _record(session, claimed, now=now, host=host))
    return len(claimed)


def record_course(
    session: Session, course: Course, *, now: datetime, limit: int, host: str = SOME_HOST
) -> int:
    """Write down what is due in one course, for at most `limit` subscriptions; answer for how many.

    What another worker holds is passed over.

    Raises:
        PlanChanged: the plan of the course moved on meanwhile; never while its row is locked.
    """
    claimed = due.claim_in_course(session, course, now=now, limit=limit)
    _hold_plans(session, _record(session, claimed, now=now, host=host))
    return len(claimed)


def record_subscription(
    session: Session, subscription_id: int, *, now: datetime, host: str = SOME_HOST
) -> None:
    """Write down what is due for one subscription: what must come before its life changes.

    Until the caller commits, the plan of the course stays what it is.
    """
    # First the course, then her row: who changes a plan holds the course, and waits for nobody.
    session.scalars(
        select(Course)
        .join(Subscription, Subscription.course_id == Course.id)
        .where(Subscription.id == subscription_id)
        .with_for_update(read=True, of=Course)
        .execution_options(populate_existing=True)
    ).all()
    this_one = select(Subscription).where(Subscription.id == subscription_id)
    claimed = session.scalars(
        this_one.with_for_update(of=Subscription).execution_options(populate_existing=True)
    ).all()
    _record(session, claimed, now=now, host=host)


def _record(
    session: Session, subscriptions: Sequence[Subscription], *, now: datetime, host: str
) -> Sequence[Plan]:
    """Write down what is due for these, with as many statements for a thousand as for one."""
    if not subscriptions:
        return []
    plans = load_plans(session, subscriptions)
    looks = [due_and_next(plan.life, plan.open_lessons, now) for plan in plans]
    fresh = [found for found, _ in looks]
    news = [_news(plan, unlocks) for plan, unlocks in zip(plans, fresh, strict=True)]
    mails = _tell(session, plans, news, now=now, host=host)
    rows = [
        {
            "subscription_id": plan.subscription.id,
            "lesson_id": each.lesson_id,
            "unlocked_at": each.unlocked_at,
            "pub_at": each.pub_at,
            "recorded_at": now,
            "notice_id": mails.get(plan.subscription.id) if each in told else None,
        }
        for plan, unlocks, told in zip(plans, fresh, news, strict=True)
        for each in unlocks
    ]
    insert_many(session, Unlock, rows)
    _set_next(session, plans, [next_at for _, next_at in looks])
    return plans


def _set_next(session: Session, plans: Sequence[Plan], moments: Sequence[datetime | None]) -> None:
    """Write down when something comes to each of these, and by which plan."""
    rows = [
        {
            "id": plan.subscription.id,
            "next_unlock_at": moment,
            "next_unlock_plan": plan.course.plan_revision,
        }
        for plan, moment in zip(plans, moments, strict=True)
    ]
    update_many(session, Subscription, rows)
    for plan, row in zip(plans, rows, strict=True):
        for name in ("next_unlock_at", "next_unlock_plan"):
            set_committed_value(plan.subscription, name, row[name])


def _tell(
    session: Session,
    plans: Sequence[Plan],
    news: Sequence[Sequence[UnlockedLesson]],
    *,
    now: datetime,
    host: str,
) -> Mapping[int, int]:
    """Put the news into the outbox; answer the id of each new mail, by its subscription."""
    with_news = [(plan, told) for plan, told in zip(plans, news, strict=True) if told]
    addresses = _load_addresses(session, [plan.subscription for plan, _ in with_news])
    notices = [
        _notice(plan, told, addresses[plan.subscription.listener_id], now)
        for plan, told in with_news
    ]
    ids = outbox.put_many(session, notices, host=host, now=now)
    return {
        notice.subscription_id: ids[notice.name]
        for notice in notices
        if notice.name in ids and notice.subscription_id is not None
    }


def _hold_plans(session: Session, plans: Sequence[Plan]) -> None:
    """See that the plans by which we recorded still hold, and hold them until the commit.

    At the end, so that an owner who saves waits for one commit and not for a whole batch.
    """
    known = {plan.course.id: plan.course.plan_revision for plan in plans}
    rows = session.execute(
        select(Course.id, Course.plan_revision)
        .where(Course.id.in_(known))
        .order_by(Course.id)
        .with_for_update(read=True)
    )
    for row in rows:
        if row.plan_revision != known[row.id]:
            raise PlanChanged(row.id)


def _news(plan: Plan, fresh: Sequence[UnlockedLesson]) -> list[UnlockedLesson]:
    """What deserves a mail: not what came with the start, which the follow page showed her."""
    subscription = plan.subscription
    if subscription.ended_at is not None or subscription.mail_stopped_at is not None:
        return []
    return [each for each in fresh if each.unlocked_at > subscription.started_at]


def _notice(
    plan: Plan, news: Sequence[UnlockedLesson], address: str, now: datetime
) -> outbox.Notice:
    """One mail for everything that unlocked at once; each lesson is in at most one such notice."""
    subscription, course = plan.subscription, plan.course
    return outbox.Notice(
        name=f"unlock:{subscription.id}:{news[0].lesson_id}",
        template=NOTICE_TEMPLATE,
        language=subscription.language,
        address=address,
        subscription_id=subscription.id,
        ids={"lessons": ",".join(str(each.lesson_id) for each in news)},
        due_at=mail_times.human_instant(
            now, zone=subscription.zone, course_zone=course.zone, hour=course.mail_hour
        ),
    )


def _load_addresses(session: Session, subscriptions: Sequence[Subscription]) -> Mapping[int, str]:
    wanted = {each.listener_id for each in subscriptions}
    rows = session.execute(
        select(Listener.id, Listener.email).where(is_one_of(session, Listener.id, wanted))
    )
    return {row.id: row.email for row in rows}
