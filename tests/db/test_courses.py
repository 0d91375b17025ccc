from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.db.models import Course
from app.db.session import Database
from app.errors import InvalidInput, NotReady, SlugTaken, StaleVersion
from app.kinds import CourseState, Role, Visibility
from app.services import courses, memberships, openings, slugs
from app.services.courses import CourseFields
from feeds.rhythm import Rhythm, RhythmKind
from tests.builders import START, a_course, a_lesson, an_account

LATER = START + timedelta(hours=1)


def make(session: Session, title: str = "Bloeiende community", **more: str) -> Course:
    account = an_account(session)
    fields = CourseFields(title=title, **more)  # type: ignore[arg-type]  # (only texts are given here)
    return courses.create(session, fields, account_id=account.id, now=START)


def edit(session: Session, course: Course, **changes: object) -> Course:
    fields = replace(courses.fields_of(session, course), **changes)  # type: ignore[arg-type]
    return courses.edit(session, course.id, fields, version=course.version, now=LATER)


def test_who_makes_a_course_owns_it(database: Database) -> None:
    with database.writing() as session:
        account = an_account(session)
        course = courses.create(
            session, CourseFields(title="Rust"), account_id=account.id, now=START
        )

        assert memberships.worker_of(session, account.id).role_in(course.id) is Role.OWNER
        assert course.state is CourseState.DRAFT


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Bloeiende community", "bloeiende-community"),
        ("Ĳsselmeer & Straße", "ijsselmeer-strasse"),
        ("Русский язык", "russkii-iazyk"),
        ("日本語", "ri-ben-yu"),
        ("دورة", "dwr"),
        ("🎉🎉", "course"),
        ("Admin", "admin-2"),
        ("Sign in", "sign-in-2"),
    ],
)
def test_a_title_in_any_script_becomes_an_address(
    database: Database, title: str, slug: str
) -> None:
    with database.writing() as session:
        course = make(session, title)

        assert (course.slug, course.title) == (slug, title)


def test_two_courses_of_the_same_title_have_different_addresses(database: Database) -> None:
    with database.writing() as session:
        assert [make(session).slug for _ in range(3)] == [
            "bloeiende-community",
            "bloeiende-community-2",
            "bloeiende-community-3",
        ]


@pytest.mark.parametrize("slug", sorted(slugs.RESERVED & {"admin", "sign-in", "api", "p", "my"}))
def test_words_of_the_house_are_no_addresses_of_courses(database: Database, slug: str) -> None:
    with database.writing() as session, pytest.raises(SlugTaken):
        make(session, slug=slug)


def test_characters_that_no_feed_can_hold_are_left_out_of_a_title(database: Database) -> None:
    with database.writing() as session:
        assert make(session, "A\x00 bell\x07\n\tand  more").title == "A bell and more"


def test_the_second_of_two_who_save_at_once_is_told_and_changes_nothing(
    database: Database,
) -> None:
    with database.writing() as session:
        course = make(session)
        fields, version = courses.fields_of(session, course), course.version
    with database.writing() as session:
        mine = replace(fields, story="Mine")
        courses.edit(session, course.id, mine, version=version, now=LATER)

    theirs = replace(fields, story="Theirs")
    with database.writing() as session, pytest.raises(StaleVersion) as stale:
        courses.edit(session, course.id, theirs, version=version, now=LATER)

    assert stale.value.current_version == version + 1
    with database.reading() as session:
        assert courses.get(session, course.id).story == "Mine"


def test_opening_a_course_makes_no_open_form_stale(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, state=CourseState.DRAFT)
        version = course.version
        openings.open_course(session, course.id, now=LATER)

    with database.reading() as session:
        assert courses.get(session, course.id).version == version


def test_the_former_address_of_an_opened_course_leads_to_it_and_is_nobody_elses(
    database: Database,
) -> None:
    with database.writing() as session:
        course = a_course(session, slug="first")
        edit(session, course, slug="second")

        assert courses.find_current_slug(session, "first") == "second"
        with pytest.raises(SlugTaken):
            make(session, slug="first")


def test_a_course_may_take_its_former_address_back(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, slug="first")
        edit(session, course, slug="second")
        edit(session, course, slug="first")

        assert courses.get_by_slug(session, "first").id == course.id
        assert courses.find_current_slug(session, "second") == "first"
        assert courses.find_current_slug(session, "first") is None


def test_the_address_of_a_draft_is_free_again_when_it_changes(database: Database) -> None:
    with database.writing() as session:
        course = make(session, slug="first")
        edit(session, course, slug="second")

        assert make(session, slug="first").slug == "first"


def test_an_edit_that_feeds_show_moves_the_revision(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        before = course.revision
        edit(session, course, story="More")
        session.refresh(course)

        assert (course.revision, course.revised_at) == (before + 1, LATER)


def test_saving_without_a_change_moves_no_revision(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        before = course.revision
        edit(session, course)
        session.refresh(course)

        assert course.revision == before


def test_another_rhythm_moves_the_plan(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        before = course.plan_revision
        edit(session, course, rhythm=Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=3))
        session.refresh(course)

        assert course.plan_revision == before + 1
        assert course.rhythm_every_days == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " \t "},
        {"title": "x" * 201},
        {"category": "Education > Cooking"},
        {"zone": "Mars/Olympus"},
        {"language": "klingon"},
        {"target": timedelta()},
        {"story": "x" * 50_001},
    ],
)
def test_fields_that_cannot_be_used_are_named(database: Database, wrong: dict[str, object]) -> None:
    with database.writing() as session:
        course = a_course(session)
        with pytest.raises(InvalidInput) as refused:
            edit(session, course, **wrong)

    assert set(refused.value.fields) == set(wrong)


def test_a_course_without_published_lesson_does_not_open(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=0, state=CourseState.DRAFT)
        with pytest.raises(NotReady):
            openings.open_course(session, course.id, now=LATER)


def test_a_course_with_one_published_lesson_opens(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1, state=CourseState.DRAFT, opened_at=None)
        openings.open_course(session, course.id, now=LATER)

        assert (course.state, course.opened_at) == (CourseState.OPEN, LATER)


def test_opening_again_keeps_the_first_day(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, lessons=1)
        opened_at = course.opened_at
        openings.close_course(session, course.id, now=LATER)
        openings.open_course(session, course.id, now=LATER)

        assert course.opened_at == opened_at


def test_a_public_course_keeps_the_feed_name_it_opened_with(database: Database) -> None:
    with database.writing() as session:
        course = a_course(
            session, slug="cast", state=CourseState.DRAFT, visibility=Visibility.PUBLIC
        )
        openings.open_course(session, course.id, now=LATER)
        edit(session, course, slug="podcast")
        openings.close_course(session, course.id, now=LATER)
        openings.open_course(session, course.id, now=LATER)

        assert course.feed_name == "cast"


def test_a_draft_cannot_be_closed(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session, state=CourseState.DRAFT)
        with pytest.raises(NotReady):
            openings.close_course(session, course.id, now=LATER)


def test_finishing_twice_keeps_the_first_instant_and_shows_once(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        openings.finish(session, course.id, now=LATER)
        before = course.revision
        openings.finish(session, course.id, now=LATER + timedelta(days=1))

        assert (course.finished_at, course.revision) == (LATER, before)


def test_a_list_has_only_the_courses_of_the_one_who_asks(database: Database) -> None:
    with database.writing() as session:
        ada = an_account(session)
        mine = courses.create(session, CourseFields(title="Mine"), account_id=ada.id, now=START)
        a_lesson(session, mine)
        a_course(session)

        worker = memberships.worker_of(session, ada.id)
        lines = courses.of_worker(session, worker)

    assert [(line.course.id, line.lessons, line.published) for line in lines] == [(mine.id, 1, 1)]
