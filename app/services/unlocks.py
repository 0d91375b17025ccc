"""Unlocks: what a subscription may hear now, what comes next, and writing down what came.

What is unlocked is always computed (`feeds.rhythm`) from rows; nothing waits for the worker. The
worker writes it down, so that it stays whatever the plan says later, and so that a mail goes out
exactly once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.db.many import insert_many, is_one_of, update_many
from app.db.models import (
    Course,
    Lesson,
    LessonOverride,
    Listener,
    PauseSpan,
    Subscription,
    Unlock,
)
from app.errors import PlanChanged, SubscriptionNotFound
from app.kinds import LessonState
from app.services import due, mail_times, outbox
from feeds.rhythm import (
    Anchor,
    Life,
    Override,
    Pause,
    PlannedLesson,
    PlannedUnlock,
    RecordedUnlock,
    Rhythm,
    RhythmKind,
    due_and_next,
    next_unlock_at,
    unlocked,
    upcoming,
)
from feeds.rhythm import Unlock as UnlockedLesson

NOTICE_TEMPLATE = "lesson_unlocked"
# RFC 5322 3.6.4 wants a Message-ID to be unique, which its left half sees to; who changes a plan
# does not know under which host the house runs (RFC 2606: this one never exists).
SOME_HOST = "cadans.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One subscription and all that decides what it may hear."""

    subscription: Subscription
    course: Course
    life: Life
    lessons: tuple[PlannedLesson, ...]

    @property
    def open_lessons(self) -> tuple[PlannedLesson, ...]:
        """The lessons of which one may still come: none once she left and all due was recorded.

        Else a later change of the course's plan would bring new ones before the day she left.
        """
        is_over = self.life.ended_at is not None and self.subscription.next_unlock_at is None
        return () if is_over else self.lessons

    def unlocked(self, now: datetime) -> tuple[UnlockedLesson, ...]:
        """Answer what may be heard, in order of unlock."""
        return unlocked(self.life, self.open_lessons, now)

    def upcoming(self, now: datetime) -> tuple[PlannedUnlock, ...]:
        """Answer what has a date ahead, soonest first."""
        return upcoming(self.life, self.lessons, now)

    def next_unlock_at(self, now: datetime) -> datetime | None:
        """Answer when something unlocks next; None: nothing has a date."""
        return next_unlock_at(self.life, self.lessons, now)


def get_plan(session: Session, subscription_id: int) -> Plan:
    """Answer the plan of a subscription.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise SubscriptionNotFound(subscription_id)
    return load_plans(session, [subscription])[0]


def unlocked_now(
    session: Session, subscription_id: int, now: datetime
) -> tuple[UnlockedLesson, ...]:
    """Answer what a subscription may hear, recorded or not, in order of unlock.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    return get_plan(session, subscription_id).unlocked(now)


def load_plans(session: Session, subscriptions: Sequence[Subscription]) -> list[Plan]:
    """Answer the plan of each subscription, in the same order, with six queries for them all."""
    ids = [each.id for each in subscriptions]
    course_ids = {each.course_id for each in subscriptions}
    courses = {
        each.id: each for each in session.scalars(select(Course).where(Course.id.in_(course_ids)))
    }
    lessons = {number: load_lessons(session, number) for number in course_ids}
    pauses = _load_pauses(session, ids)
    overrides = _load_overrides(session, ids)
    recorded = _load_recorded(session, ids)
    return [
        Plan(
            subscription=each,
            course=courses[each.course_id],
            life=life_of(
                each,
                courses[each.course_id],
                pauses[each.id],
                recorded[each.id],
                overrides[each.id],
            ),
            lessons=lessons[each.course_id],
        )
        for each in subscriptions
    ]


def load_lessons(session: Session, course_id: int) -> tuple[PlannedLesson, ...]:
    """Answer a course's lessons as the rhythm sees them, in order."""
    rows = session.scalars(
        select(Lesson).where(Lesson.course_id == course_id).order_by(Lesson.position, Lesson.id)
    )
    return tuple(planned_lesson(row) for row in rows)


def planned_lesson(lesson: Lesson) -> PlannedLesson:
    """Answer a lesson as the rhythm sees it."""
    return PlannedLesson(
        id=lesson.id,
        position=lesson.position,
        published_at=None if lesson.state is LessonState.DRAFT else lesson.published_at,
        placed_at=lesson.placed_at,
        release_at=lesson.release_at,
        is_withdrawn=lesson.state in {LessonState.WITHDRAWN, LessonState.REMOVED},
    )


def course_rhythm(course: Course) -> Rhythm:
    """Answer the rhythm of a course."""
    return make_rhythm(
        course.rhythm_kind, course.rhythm_every_days, course.rhythm_weekday, course.rhythm_hour
    )


def make_rhythm(
    kind: RhythmKind, every_days: int | None, weekday: int | None, hour: int | None
) -> Rhythm:
    """Answer the rhythm that these columns say; what belongs to another kind is passed over."""
    if kind is RhythmKind.EVERY_DAYS:
        return Rhythm(kind=kind, every_days=every_days)
    if kind is RhythmKind.WEEKDAY:
        return Rhythm(kind=kind, weekday=weekday, hour=hour)
    return Rhythm(kind=kind)


def life_of(
    subscription: Subscription,
    course: Course,
    pauses: Iterable[PauseSpan] = (),
    recorded: Iterable[Unlock] = (),
    overrides: Iterable[LessonOverride] = (),
) -> Life:
    """Answer what decides when lessons unlock for one subscription.

    Fixed dates are the owner's: no pace of hers brings a lesson before its date.
    """
    rhythm = course_rhythm(course)
    if subscription.pace_kind is not None and rhythm.kind is not RhythmKind.FIXED_DATES:
        rhythm = make_rhythm(
            subscription.pace_kind,
            subscription.pace_every_days,
            subscription.pace_weekday,
            subscription.pace_hour,
        )
    return Life(
        rhythm=rhythm,
        zone=subscription.zone,
        course_zone=course.zone,
        started_at=subscription.started_at,
        pauses=tuple(Pause(starts_on=each.starts_on, ends_on=each.ends_on) for each in pauses),
        overrides=tuple(
            Override(lesson_id=each.lesson_id, unlock_at=each.unlock_at) for each in overrides
        ),
        recorded=tuple(
            RecordedUnlock(
                lesson_id=each.lesson_id, unlocked_at=each.unlocked_at, pub_at=each.pub_at
            )
            for each in recorded
        ),
        ended_at=subscription.ended_at,
        anchor=make_anchor(
            subscription.pace_place, subscription.pace_slot_at, subscription.paced_at
        ),
    )


def make_anchor(
    place: int | None, slot_at: datetime | None, since: datetime | None
) -> Anchor | None:
    """Answer from where the rhythm counts, as these columns say; None: from the start."""
    if place is None or slot_at is None or since is None:
        return None
    return Anchor(place=place, slot_at=slot_at, since=since)


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


def _load_pauses(session: Session, ids: Sequence[int]) -> Mapping[int, list[PauseSpan]]:
    found: defaultdict[int, list[PauseSpan]] = defaultdict(list)
    for row in session.scalars(
        select(PauseSpan).where(is_one_of(session, PauseSpan.subscription_id, ids))
    ):
        found[row.subscription_id].append(row)
    return found


def _load_overrides(session: Session, ids: Sequence[int]) -> Mapping[int, list[LessonOverride]]:
    found: defaultdict[int, list[LessonOverride]] = defaultdict(list)
    wanted = select(LessonOverride).where(is_one_of(session, LessonOverride.subscription_id, ids))
    for row in session.scalars(wanted):
        found[row.subscription_id].append(row)
    return found


def _load_recorded(session: Session, ids: Sequence[int]) -> Mapping[int, list[Unlock]]:
    found: defaultdict[int, list[Unlock]] = defaultdict(list)
    for row in session.scalars(
        select(Unlock).where(is_one_of(session, Unlock.subscription_id, ids))
    ):
        found[row.subscription_id].append(row)
    return found


def _load_addresses(session: Session, subscriptions: Sequence[Subscription]) -> Mapping[int, str]:
    wanted = {each.listener_id for each in subscriptions}
    rows = session.execute(
        select(Listener.id, Listener.email).where(is_one_of(session, Listener.id, wanted))
    )
    return {row.id: row.email for row in rows}
