"""What is old goes by itself, on both databases: to the day, and nothing that is younger."""

import json
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from app.cli import cadans
from app.db.models import (
    Confirmation,
    ErasedAddress,
    Erasure,
    ErasureDay,
    Fetches,
    LeakSignal,
    Lesson,
    Listener,
    OutboxMail,
    Position,
    Subscription,
)
from app.db.session import Database
from app.house import House
from app.jobs import leaks as leaks_job
from app.jobs import retention as job
from app.jobs.tasks import TASKS
from app.jobs.worker import Worker
from app.kinds import EndReason, SignalKind
from app.services import erasing, mailing, outbox, retention
from app.settings import Settings
from tests.builders import START, a_course, a_listener, a_subscription
from tests.parts.house import SettableClock

DAY = timedelta(days=1)
PATIENCE_SECONDS = 60
MakeHouse = Callable[[Settings], House]


@pytest.fixture
def open_house(
    database_url: str, database: Database, environ: dict[str, str], make_house: MakeHouse
) -> Callable[..., House]:
    """A house on either database, with the settings that a test names."""
    assert database.engine is not None
    keys = {"CADANS_FEED_KEYS": f"1:{'ab' * 32}", "CADANS_SECRET_KEYS": "s" * 40}

    def make(**settings: str) -> House:
        named = {f"CADANS_{name}": text for name, text in settings.items()}
        return make_house(
            Settings.from_env({**environ, "CADANS_DATABASE_URL": database_url, **keys, **named})
        )

    return make


def run(house: House, clock: SettableClock, *, at: datetime) -> int:
    """Let the job run as the worker does: until there is nothing left."""
    clock.instant, done = at, 0
    while some := job.run(house):
        done += some
    return done


def count(house: House, model: type) -> int:
    with house.database.reading() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def fetch_on(house: House, subscription: Subscription, *days: date) -> None:
    with house.database.writing() as session:
        for day in days:
            session.add(
                Fetches(
                    subscription_id=subscription.id,
                    fetched_on=day,
                    resource="feed",
                    app="Overcast",
                    status=200,
                    count=1,
                    bytes_sent=1,
                    first_at=START,
                    last_at=START,
                )
            )
            session.flush()


def a_place(house: House, **more: Any) -> Subscription:
    with house.database.writing() as session:
        return a_subscription(session, a_course(session), a_listener(session), **more)


def left(house: House, **more: Any) -> Subscription:
    """Somebody who left at START and was not heard of since."""
    return a_place(house, ended_at=START, end_reason=EndReason.LEFT, **more)


def test_worker_runs_it() -> None:
    assert job.RETENTION in TASKS


def test_either_engine_carries_it_out(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_FETCHES="30", KEEP_LEFT="90")
    fetch_on(house, a_place(house), START.date())
    left(house)
    clock.instant = START + 91 * DAY
    worker = Worker(house, [job.RETENTION])
    worker.start()
    try:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while count(house, Fetches) or count(house, ErasureDay) == 0:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
    finally:
        assert worker.stop(timedelta(seconds=PATIENCE_SECONDS))
    assert count(house, Listener) == 1


def test_counts_of_fetches_go_once_their_days_are_over(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_FETCHES="30")
    today = START.date()
    fetch_on(house, a_place(house), today, today + DAY, today + 2 * DAY)
    assert run(house, clock, at=START + 30 * DAY) == 0
    assert run(house, clock, at=START + 31 * DAY) == 1
    with house.database.reading() as session:
        assert session.scalars(select(Fetches.fetched_on)).all() == [today + DAY, today + 2 * DAY]


def test_many_counts_go_batch_by_batch(
    open_house: Callable[..., House], clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    house = open_house(KEEP_FETCHES="30")
    fetch_on(house, a_place(house), *(START.date() + number * DAY for number in range(10)))
    clock.instant = START + 38 * DAY
    assert [job.run(house) for _ in range(4)] == [3, 3, 2, 0]


def test_last_sign_of_life_stays_when_its_counts_are_gone(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house()
    kim = a_place(house, last_fetch_at=START, last_app="Overcast")
    fetch_on(house, kim, START.date())
    assert run(house, clock, at=START + 366 * DAY) == 1
    with house.database.reading() as session:
        assert session.get_one(Subscription, kim.id).last_app == "Overcast"


def sign_in_mail(house: House) -> None:
    notice = outbox.Notice(name="sign-in:x", template="sign_in", language="nl", address="k@b.nl")
    with house.database.writing() as session:
        mail = outbox.put(session, notice, host="h", now=START)
        assert mail is not None
        mail.sent_at = START


def test_mail_of_nobody_goes_and_one_of_a_listener_stays_without_her_address(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_MAILS="7")
    sign_in_mail(house)
    kim = a_place(house)
    hers = outbox.Notice(
        name="welcome:1",
        template="welcome",
        language="nl",
        address="kim@example.org",
        subscription_id=kim.id,
    )
    with house.database.writing() as session:
        mail = outbox.put(session, hers, host="h", now=START)
        assert mail is not None
        mail.sent_at = START
    assert run(house, clock, at=START + 7 * DAY) == 0
    mailing.forget_old(house)
    with house.database.reading() as session:
        assert None not in session.scalars(select(OutboxMail.address)).all()
    assert run(house, clock, at=START + 7 * DAY + timedelta(seconds=1)) == 1
    mailing.forget_old(house)
    with house.database.reading() as session:
        (kept,) = session.scalars(select(OutboxMail)).all()
    assert (kept.notice, kept.address) == ("welcome:1", None)


def test_many_mails_of_nobody_go_batch_by_batch(
    open_house: Callable[..., House], clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    house = open_house(KEEP_MAILS="7")
    with house.database.writing() as session:
        for number in range(5):
            asked = outbox.Notice(
                name=f"sign-in:{number}",
                template="sign_in",
                language="nl",
                address="kim@example.org",
            )
            mail = outbox.put(session, asked, host="h", now=START)
            assert mail is not None
            mail.sent_at = START
    clock.instant = START + 8 * DAY
    assert [job.run(house) for _ in range(3)] == [3, 2, 0]


def test_mail_that_still_waits_is_not_old(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_MAILS="7")
    sign_in_mail(house)
    with house.database.writing() as session:
        session.scalars(select(OutboxMail)).one().sent_at = None
    assert run(house, clock, at=START + 100 * DAY) == 0


def test_signs_of_a_leak_go_after_the_days_that_were_set(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_SIGNS="14")
    kim = a_place(house)
    with house.database.writing() as session:
        session.add(
            LeakSignal(
                subscription_id=kim.id,
                kind=SignalKind.DIRECTORY,
                seen_on=START.date(),
                amount=1,
                names="podchaser",
            )
        )
    for days, kept in ((14, 1), (15, 0)):
        clock.instant = START + days * DAY
        leaks_job.run(house)
        assert count(house, LeakSignal) == kept


def test_who_left_stays_for_ever_unless_the_operator_says_otherwise(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house()
    left(house)
    assert run(house, clock, at=START + 9000 * DAY) == 0


def test_who_left_long_ago_is_erased_without_a_mail_and_her_feed_says_gone(
    open_house: Callable[..., House], clock: SettableClock
) -> None:
    house = open_house(KEEP_LEFT="90")
    left(house)
    assert run(house, clock, at=START + 90 * DAY) == 0
    assert run(house, clock, at=START + 90 * DAY + timedelta(seconds=1)) == 1
    assert (count(house, Listener), count(house, Subscription), count(house, OutboxMail)) == (
        0,
        0,
        0,
    )
    assert count(house, ErasedAddress) == 1
    with house.database.reading() as session:
        day = session.scalars(select(ErasureDay)).one()
    assert (day.count, day.by_operator, day.by_age) == (1, 0, 1)


def test_many_who_left_go_batch_by_batch(
    open_house: Callable[..., House], clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LISTENERS", 2)
    house = open_house(KEEP_LEFT="90")
    for _ in range(5):
        left(house)
    clock.instant = START + 91 * DAY
    assert [job.run(house) for _ in range(4)] == [2, 2, 1, 0]
    with house.database.reading() as session:
        assert session.scalars(select(ErasureDay.by_age)).one() == 5


def takes_part_elsewhere(house: House, who: Subscription) -> None:
    with house.database.writing() as session:
        listener = session.get_one(Listener, who.listener_id)
        a_subscription(session, a_course(session), listener)


def app_still_asks(house: House, who: Subscription) -> None:
    with house.database.writing() as session:
        session.get_one(Subscription, who.id).last_fetch_at = START + 10 * DAY


def heard_in_the_browser(house: House, who: Subscription) -> None:
    with house.database.writing() as session:
        session.add(
            Position(
                subscription_id=who.id,
                lesson_id=session.scalars(select(Lesson.id)).first(),
                position_ms=1,
                heard_ms=1,
                updated_at=START + 10 * DAY,
                received_at=START + 10 * DAY,
            )
        )


def signed_up_again(house: House, who: Subscription) -> None:
    with house.database.writing() as session:
        listener = session.get_one(Listener, who.listener_id)
        session.add(
            Confirmation(
                course_id=who.course_id,
                email=listener.email,
                email_key=listener.email_key,
                name="Kim",
                language="nl",
                consent_version="2026-11-nl",
                consented_at=START,
                created_at=START,
                expires_at=START + 1000 * DAY,
            )
        )


def asked_to_be_erased(house: House, who: Subscription) -> None:
    with house.database.writing() as session:
        session.add(
            Erasure(
                listener_id=who.listener_id,
                language="nl",
                asked_at=START,
                due_at=START + 1000 * DAY,
            )
        )


@pytest.mark.parametrize(
    "sign",
    [
        takes_part_elsewhere,
        app_still_asks,
        heard_in_the_browser,
        signed_up_again,
        asked_to_be_erased,
    ],
)
def test_who_left_but_is_still_heard_of_stays(
    open_house: Callable[..., House],
    clock: SettableClock,
    sign: Callable[[House, Subscription], None],
) -> None:
    house = open_house(KEEP_LEFT="90")
    sign(house, left(house))
    left(house)
    assert run(house, clock, at=START + 95 * DAY) == 1
    assert count(house, Listener) == 1


@pytest.fixture
def logged(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house in which three were erased, each at another word, and which commands open."""
    for email in ("ann@example.org", "bea@example.org", "cat@example.org"):
        with house.database.writing() as session:
            a_subscription(session, a_course(session), a_listener(session, email=email))
    monkeypatch.setattr("app.wiring.open_house", lambda _settings, **_how: house)
    monkeypatch.setattr(type(house), "close", lambda _self: None)
    return house


def erasures(house: House, *words: str) -> str:
    environ = {"CADANS_VAR": str(house.settings.var)}
    done = CliRunner().invoke(cadans, ["erasures", *words], env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_log_says_when_how_many_and_at_whose_word_but_never_who(
    logged: House, clock: SettableClock
) -> None:
    assert erasures(logged) == "Nobody was erased.\n"
    erasures(logged, "now", "ANN@example.org", "--yes")
    with logged.database.writing() as session:
        bea = session.scalars(select(Listener).where(Listener.name == "Ben")).first()
        assert bea is not None
        session.add(
            Erasure(
                listener_id=bea.id,
                language="nl",
                asked_at=clock(),
                due_at=clock() + DAY,
            )
        )
    assert "1 asked for it and may still undo it" in erasures(logged)
    clock.advance(2 * DAY)
    with logged.database.writing() as session:
        assert erasing.carry_out_next(session, host="h", now=clock())
    said, plain = erasures(logged), json.loads(erasures(logged, "--json"))
    assert said.splitlines() == [
        "2026-06-03\t1\t1 by themselves",
        "2026-06-01\t1\t1 by who runs the house",
    ]
    assert plain == {
        "waiting": 0,
        "days": [
            {
                "erased_on": "2026-06-03",
                "count": 1,
                "by": {"herself": 1, "operator": 0, "age": 0},
            },
            {
                "erased_on": "2026-06-01",
                "count": 1,
                "by": {"herself": 0, "operator": 1, "age": 0},
            },
        ],
    }


def test_who_asked_the_operator_is_erased_at_once_and_told_by_a_last_mail(logged: House) -> None:
    erasures(logged, "now", "ann@example.org", "--yes")
    with logged.database.reading() as session:
        assert set(session.scalars(select(Listener.email))) == {
            "bea@example.org",
            "cat@example.org",
        }
        (mail,) = session.scalars(select(OutboxMail)).all()
    assert (mail.template, mail.address, mail.language) == ("erased", "ann@example.org", "nl")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["now", "nobody@example.org", "--yes"], "nobody here has the address"),
        (["now", "nobody", "--yes"], "nobody is no e-mail address"),
        (["now", "ann@example.org"], "Aborted"),
    ],
)
def test_operator_who_names_nobody_or_says_no_changes_nothing(
    logged: House, words: list[str], said: str
) -> None:
    environ = {"CADANS_VAR": str(logged.settings.var)}
    done = CliRunner().invoke(cadans, ["erasures", *words], env=environ, input="n\n")
    assert done.exit_code == 1
    assert said in done.output
    assert count(logged, Listener) == 3
