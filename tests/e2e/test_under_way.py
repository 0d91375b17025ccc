"""What is under way in a course, looked at in a real browser by its owner."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.clock import system_clock
from app.db import queue
from app.db.models import Course, QueuedJob
from app.db.session import Database, open_database
from app.kinds import JobState, RecordingState, Role
from app.services import accounts, outbox
from tests.builders import a_course, a_lesson, a_listener, a_membership, a_recording, a_subscription
from tests.parts.browser import EVERY_SCREEN, Look, OpenPage, look_over
from tests.parts.server import Installation, installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMAIL = "ada@example.org"
TOMORROW = timedelta(days=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("under-way")) as here:
        here.make_tables()
        here.serve()
        yield here


@pytest.fixture(scope="module")
def password(server: Installation) -> str:
    said = server.run("account", "add", EMAIL, "--name", "Ada", "--language", "en")
    return said.rpartition(" ")[2].strip()


@pytest.fixture(scope="module")
def database(server: Installation) -> Iterator[Database]:
    database = open_database(f"sqlite:///{server.folder}/var/cadans.sqlite3")
    yield database
    database.close()


@pytest.fixture(scope="module")
def empty_course(database: Database, password: str) -> int:
    assert password
    return a_course_of_ada(database)


@pytest.fixture(scope="module")
def busy_course(database: Database, password: str) -> int:
    """A course with something of every kind: waiting, failed, of another release."""
    assert password
    course_id = a_course_of_ada(database)
    with database.writing() as session:
        queue.defer(session, "of_next_year", {"course_id": course_id})
        failed = queue.defer(session, "plans", {"course_id": course_id})
        job = session.get_one(QueuedJob, failed)
        job.state, job.attempts = JobState.FAILED, 7
        job.reason = "OperationalError (app/services/plans.py, line 40)"
        lesson = a_lesson(session, session.get_one(Course, course_id), title="For whom is it?")
        a_recording(session, lesson, number=2, state=RecordingState.WAITING)
    for number in range(3):
        put_mail(database, course_id, f"kim{number}@example.org", is_failed=number < 2)
    return course_id


def a_course_of_ada(database: Database) -> int:
    with database.writing() as session:
        course = a_course(session, title="Building communities", created_at=system_clock())
        session.flush()
        # The test runs at any hour, so its mail goes at any hour.
        course.mail_hour = None
        a_membership(session, accounts.get(session, EMAIL), course, Role.OWNER)
        return course.id


def put_mail(database: Database, course_id: int, email: str, *, is_failed: bool) -> None:
    now = system_clock()
    with database.writing() as session:
        course = session.get_one(Course, course_id)
        subscription = a_subscription(
            session, course, a_listener(session, email=email), next_unlock_at=None
        )
        notice = outbox.Notice(
            name=f"welcome:{subscription.id}",
            template="welcome",
            language="en",
            address=email,
            subscription_id=subscription.id,
            due_at=now + TOMORROW,
        )
        mail = outbox.put(session, notice, host="h", now=now)
        assert mail is not None
        if is_failed:
            mail.failed_at, mail.attempts = now, 10
            mail.last_error = "mail server answered 550 5.1.1"


def sign_in(page: Page, server: Installation, password: str) -> None:
    page.goto(f"{server.url}/admin/")
    page.locator("input[name=email]").fill(EMAIL)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button").click()
    expect(page.locator("nav.owner-nav")).to_be_visible()


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_what_is_under_way_reads_well_on_every_screen(
    page: Page, server: Installation, password: str, busy_course: int
) -> None:
    sign_in(page, server, password)
    page.goto(f"{server.url}/admin/courses/{busy_course}/under-way")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("kim0@example.org", exact=True).first).to_be_visible()
    look_over(page, "under-way")


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_empty_room_reads_well_on_every_screen(
    page: Page, server: Installation, password: str, empty_course: int
) -> None:
    sign_in(page, server, password)
    page.goto(f"{server.url}/admin/courses/{empty_course}/under-way")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look_over(page, "under-way-empty")


def test_a_mail_that_failed_arrives_when_the_owner_tries_it_again(
    open_page: OpenPage, server: Installation, password: str, database: Database
) -> None:
    course_id = a_course_of_ada(database)
    put_mail(database, course_id, "noor@example.org", is_failed=True)
    page = open_page(Look(language="en-GB"))
    sign_in(page, server, password)
    page.goto(f"{server.url}/admin/courses/{course_id}/under-way")
    page.get_by_role("button", name=re.compile(r"^Try again.*noor@example\.org")).click()
    expect(page.get_by_text("The mail is tried again.")).to_be_visible()
    for _ in range(60):
        page.reload()
        if page.get_by_role("heading", name="Everything is done").count():
            return
        page.wait_for_timeout(1000)
    pytest.fail(page.inner_text("main"))
