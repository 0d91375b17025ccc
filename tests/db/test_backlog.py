"""What waits, runs and failed: seen by the operator and by the owner, and tried again."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli import cadans
from app.clock import system_clock
from app.db import queue
from app.db.models import Course, OutboxMail, TaskTrouble
from app.errors import JobNotFound, MailNotFound, RecordingNotFound
from app.house import House
from app.kinds import JobState, RecordingState
from app.services import backlog, mailing, outbox, recordings
from tests.builders import a_course, a_lesson, a_listener, a_recording, a_subscription
from tests.parts.house import MONDAY, environ_on
from tests.parts.smtp import MailServer

EMAIL = "kim@example.org"
HOUR = timedelta(hours=1)


@pytest.fixture
def environ(database_url: str, tmp_path: Path, mail_server: MailServer) -> dict[str, str]:
    return {
        **environ_on(database_url.replace("+psycopg", ""), tmp_path),
        "CADANS_MAIL": mail_server.url,
    }


@pytest.fixture
def cli(
    environ: dict[str, str], house: House, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """The command, as typed in a terminal, on the house of the test."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Result:
        assert house.settings.database_url
        return CliRunner().invoke(cadans, ["jobs", *words], prog_name="cadans")

    return run


def a_mail(session: Session, course: Course, email: str = EMAIL, **more: Any) -> OutboxMail:
    subscription = a_subscription(session, course, a_listener(session, email=email))
    notice = outbox.Notice(
        name=f"welcome:{subscription.id}",
        template="welcome",
        language="nl",
        address=email,
        subscription_id=subscription.id,
    )
    mail = outbox.put(session, notice, host="h", now=MONDAY)
    assert mail is not None
    for name, value in more.items():
        setattr(mail, name, value)
    session.flush()
    return mail


FAILED: dict[str, Any] = {
    "failed_at": MONDAY,
    "attempts": 10,
    "last_error": "mail server answered 550",
}


def test_owner_sees_what_waits_and_what_failed_of_her_course_alone(house: House) -> None:
    with house.database.writing() as session:
        hers, other = a_course(session), a_course(session)
        a_mail(session, hers, "waits@example.org")
        a_mail(session, hers, "failed@example.org", **FAILED)
        a_mail(session, hers, "sent@example.org", sent_at=MONDAY)
        a_mail(session, other, "stranger@example.org", **FAILED)
        queue.defer(session, "plan", {"course_id": hers.id})
        queue.defer(session, "plan", {"course_id": other.id})
        a_recording(session, a_lesson(session, hers), number=2, state=RecordingState.WAITING)
        found = backlog.of_course(session, hers.id, true_now=system_clock())
    assert [mail.email for mail in found.waiting] == ["waits@example.org"]
    assert [mail.email for mail in found.failed] == ["failed@example.org"]
    assert [job.args for job in found.jobs] == [{"course_id": hers.id}]
    assert len(found.recordings) == 1
    assert found.is_worker_missing


def test_what_was_not_wanted_any_more_did_not_fail(house: House) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        a_mail(session, course, failed_at=MONDAY, address=None)
        found = backlog.of_course(session, course.id, true_now=system_clock())
    assert found.is_empty


def test_failed_mail_is_sent_when_it_is_tried_again(house: House, mail_server: MailServer) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        mail = a_mail(session, course, **FAILED)
        backlog.retry_mail(session, mail.id, now=house.clock(), course_id=course.id)
    mailing.send_due(house)
    assert [each.recipients for each in mail_server.received] == [(EMAIL,)]


def test_all_failed_mails_of_a_course_are_tried_again_at_once(house: House) -> None:
    with house.database.writing() as session:
        hers, other = a_course(session), a_course(session)
        for number in range(3):
            a_mail(session, hers, f"kim{number}@example.org", **FAILED)
        a_mail(session, other, **FAILED)
        assert backlog.retry_all_mails(session, hers.id, now=house.clock()) == 3
        left = session.scalars(select(OutboxMail).where(OutboxMail.failed_at.is_not(None))).all()
    assert [mail.address for mail in left] == [EMAIL]


@pytest.mark.parametrize(
    "state",
    [{"sent_at": MONDAY}, {"leased_until": MONDAY + HOUR}, {"failed_at": MONDAY, "address": None}],
    ids=["sent", "being sent", "not wanted"],
)
def test_mail_that_did_not_fail_is_not_tried_again(house: House, state: dict[str, Any]) -> None:
    with house.database.writing() as session:
        mail = a_mail(session, a_course(session), **state)
        with pytest.raises(MailNotFound):
            backlog.retry_mail(session, mail.id, now=house.clock())


def test_nothing_of_another_course_is_tried_again(house: House) -> None:
    with house.database.writing() as session:
        hers, other = a_course(session), a_course(session)
        mail = a_mail(session, other, **FAILED)
        job_id = queue.defer(session, "plan", {"course_id": other.id})
        recording = a_recording(
            session, a_lesson(session, other), number=2, state=RecordingState.WAITING
        )
        with pytest.raises(MailNotFound):
            backlog.retry_mail(session, mail.id, now=house.clock(), course_id=hers.id)
        with pytest.raises(JobNotFound):
            backlog.retry_job(session, int(job_id or 0), course_id=hers.id)
        with pytest.raises(RecordingNotFound):
            backlog.retry_recording(session, recording.id, now=house.clock(), course_id=hers.id)


def test_recording_that_rests_is_heard_when_it_is_tried_again(house: House) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        recording = a_recording(
            session,
            a_lesson(session, course),
            number=2,
            state=RecordingState.WAITING,
            leased_until=MONDAY + HOUR,
        )
        assert recordings.claim(session, now=house.clock()) is None
        backlog.retry_recording(session, recording.id, now=house.clock(), course_id=course.id)
        assert [job.name for job in queue.listed(session)] == [recordings.ANALYSIS]
        assert recordings.claim(session, now=house.clock()) == recording.id


def test_task_that_rests_after_trouble_is_run_when_it_is_tried_again(house: House) -> None:
    with house.database.writing() as session:
        session.add(a_trouble())
        backlog.retry_task(session, "sweep", true_now=system_clock())
        assert session.get_one(TaskTrouble, "sweep").rests_until <= system_clock()
        assert [job.name for job in queue.listed(session)] == ["sweep"]


def a_trouble() -> TaskTrouble:
    now = system_clock()
    return TaskTrouble(
        name="sweep", failures=3, since_at=now, rests_until=now + HOUR, reason="OSError"
    )


def test_operator_sees_it_all_in_a_terminal_and_nobody_s_address(
    house: House, cli: Callable[..., Result]
) -> None:
    with house.database.writing() as session:
        course = a_course(session)
        a_mail(session, course)
        a_mail(session, course, "failed@example.org", **FAILED)
        job_id = queue.defer(session, "plan", {"course_id": course.id})
        session.add(a_trouble())
    said = cli().output
    assert f"{job_id}\twaiting\tplan\t0 tries\tat once" in said
    assert "sweep\tgoes wrong\t3 tries since" in said
    assert "mails: 1 wait, 1 of them are due; 1 failed" in said
    assert "no worker is at work" in said
    assert "@" not in said


def test_operator_s_programs_read_json(house: House, cli: Callable[..., Result]) -> None:
    with house.database.writing() as session:
        job_id = queue.defer(session, "plan", {"course_id": 7}, wait=HOUR)
        session.add(a_trouble())
    found = json.loads(cli("--json").output)
    [job] = found["jobs"]
    assert (job["id"], job["state"], job["args"]) == (job_id, "waiting", {"course_id": 7})
    assert found["tasks"][0]["name"] == "sweep"
    assert found["mails"] == {"waiting": 0, "due": 0, "failed": 0}
    assert found["worker_seen_at"] is None


def test_empty_house_says_so(cli: Callable[..., Result]) -> None:
    assert "no job waits, runs or failed" in cli().output


def test_operator_tries_a_job_a_task_and_a_mail_again(
    house: House, cli: Callable[..., Result]
) -> None:
    with house.database.writing() as session:
        mail = a_mail(session, a_course(session), **FAILED)
        job_id = queue.defer(session, "plan", wait=HOUR)
        session.add(a_trouble())
    for what in (f"{job_id}", "sweep", f"mail:{mail.id}"):
        assert cli("retry", what).exit_code == 0
    with house.database.reading() as session:
        due = {job.name: job.due_at for job in queue.listed(session)}
        assert session.get_one(OutboxMail, mail.id).failed_at is None
    assert due == {"plan": None, "sweep": None}


@pytest.mark.parametrize("what", ["4711", "nonsense", "mail:4711", "mail:x"])
def test_what_is_not_there_cannot_be_tried_again(cli: Callable[..., Result], what: str) -> None:
    done = cli("retry", what)
    assert done.exit_code == 1
    assert what.removeprefix("mail:") in f"{done.output}{done.exception}"


def test_sqlite_s_worker_says_that_it_lives(house: House) -> None:
    with house.database.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            pytest.skip("procrastinate's workers have a heartbeat")
        queue.note_worker(session)
        queue.note_worker(session)
        found = backlog.of_house(session, now=house.clock())
    assert found.worker_seen_at is not None
    assert system_clock() - found.worker_seen_at < HOUR


def test_jobs_list_puts_what_failed_before_what_waits(house: House) -> None:
    with house.database.writing() as session:
        queue.defer(session, "plan")
        found = queue.listed(session)
    assert [(job.state, job.reason) for job in found] == [(JobState.WAITING, None)]
