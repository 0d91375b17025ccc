"""Courses by the API: what is read can be set, and a change of plan that waits shows how far."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.house import House
from app.jobs.plans import carry_out
from app.kinds import Role
from app.services import courses, plans
from tests.builders import START
from tests.parts.crowds import Crowd, add_crowd
from tests.parts.house import SettableClock
from tests.web.api import Made, Script, a_script, a_token, an_owner

MANY = 5


@pytest.fixture
def owner(house: House) -> Made:
    return an_owner(house, lessons=3)


@pytest.fixture
def script(client: FlaskClient, house: House, owner: Made) -> Script:
    return a_script(client, house, owner.account)


@pytest.fixture
def crowded(
    house: House, owner: Made, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> Made:
    """More listeners wait for a lesson than are written down while somebody waits."""
    monkeypatch.setattr(plans, "FEW", MANY - 1)
    monkeypatch.setattr("app.jobs.plans.BATCH", 2)
    clock.instant = START + timedelta(days=7)
    with house.database.writing() as session:
        crowd = Crowd(
            count=MANY, first_id=1, started_at=START, next_unlock_at=clock.instant, heard=[]
        )
        add_crowd(session, courses.get(session, owner.course.id), crowd)
    return owner


def read(script: Script, owner: Made, more: str = "") -> dict[str, Any]:
    answer = script.get(f"/courses/{owner.course.slug}{more}")
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def edit(script: Script, owner: Made, **wanted: object) -> Any:
    return script.call("PATCH", f"/courses/{owner.course.slug}", json=wanted)


def ids_of(script: Script, owner: Made) -> list[int]:
    return [each["id"] for each in read(script, owner, "/lessons")["items"]]


def test_whether_listeners_may_hurry_is_read_and_set_like_the_rest(
    script: Script, owner: Made
) -> None:
    before = read(script, owner)

    answer = edit(script, owner, version=before["version"], may_hurry=True)

    assert (before["may_hurry"], answer.status_code) == (False, 200)
    after = read(script, owner)
    assert after == answer.get_json() == before | {"may_hurry": True, "version": after["version"]}


def test_a_new_course_lets_listeners_hurry_when_it_is_asked_to(script: Script) -> None:
    made = [
        script.post("/courses", body).get_json()["may_hurry"]
        for body in ({"title": "One"}, {"title": "Two", "may_hurry": True})
    ]

    assert made == [False, True]


def test_an_edit_changes_what_it_names_and_nothing_else(script: Script, owner: Made) -> None:
    before = read(script, owner)
    wanted = {"title": "Other", "story": "*Hi*", "summary": "", "target_seconds": 600}

    edit(script, owner, version=before["version"], **wanted)

    after = read(script, owner)
    assert after == before | wanted | {"version": after["version"]}


def test_a_course_is_found_at_its_new_slug(script: Script, owner: Made) -> None:
    version = read(script, owner)["version"]

    answer = edit(script, owner, version=version, slug="elsewhere")

    assert answer.get_json()["slug"] == "elsewhere"
    assert script.get("/courses/elsewhere").status_code == 200


def test_who_read_the_course_before_somebody_saved_changes_nothing(
    script: Script, owner: Made
) -> None:
    version = read(script, owner)["version"]
    edit(script, owner, version=version, title="First")

    answer = edit(script, owner, version=version, may_hurry=True)

    assert answer.status_code == 409
    found = read(script, owner)
    assert (found["title"], found["may_hurry"]) == ("First", False)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"may_hurry": "yes"}, "may_hurry"),
        ({"title": ""}, "title"),
        ({"target_seconds": 10**15}, "target_seconds"),
        ({"tolerance_seconds": -(10**15)}, "tolerance_seconds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_by_field(
    script: Script, owner: Made, wanted: dict[str, object], field: str
) -> None:
    before = read(script, owner)

    answer = edit(script, owner, **({"version": before["version"]} | wanted))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert read(script, owner) == before


def test_a_host_reads_the_plan_but_does_not_edit_the_course(
    client: FlaskClient, house: House
) -> None:
    host = an_owner(house, role=Role.HOST)
    script = Script(client=client, token=a_token(house, host.account).text)
    before = read(script, host)

    answer = edit(script, host, version=before["version"], title="Hers")

    assert (answer.status_code, read(script, host)) == (403, before)
    assert read(script, host, "/plan")["rhythm"]["kind"] == "weekly"


def test_a_plan_without_a_change_that_waits_says_so(script: Script, owner: Made) -> None:
    plan = read(script, owner, "/plan")

    assert plan["pending"] is None
    assert plan["rhythm"] == {
        "kind": "weekly",
        "every_days": None,
        "weekday": None,
        "hour": None,
        "zone": "Europe/Amsterdam",
    }


def test_a_change_that_waits_shows_what_comes_and_how_far_it_is(
    script: Script, crowded: Made, house: House, clock: SettableClock
) -> None:
    before = read(script, crowded, "/plan")
    wanted = list(reversed(ids_of(script, crowded)))
    order = {"lessons": wanted}

    script.call("PUT", f"/courses/{crowded.course.slug}/order", json=order)

    first = read(script, crowded, "/plan")
    assert first["revision"] == before["revision"]
    assert first["pending"] == {
        "listeners": MANY,
        "done": 0,
        "seconds_left": None,
        "changes": [{"what": "order", "lessons": wanted, "rhythm": None, "release_at": None}],
    }
    carry_out(house)
    clock.advance(timedelta(seconds=2))
    second = read(script, crowded, "/plan")["pending"]
    assert 0 < second["done"] < MANY
    assert second["seconds_left"] > 0


def test_a_change_that_was_carried_out_waits_no_more(
    script: Script, crowded: Made, house: House
) -> None:
    before = read(script, crowded, "/plan")
    wanted = list(reversed(ids_of(script, crowded)))
    script.call("PUT", f"/courses/{crowded.course.slug}/order", json={"lessons": wanted})

    while carry_out(house):
        pass

    after = read(script, crowded, "/plan")
    assert (after["pending"], after["revision"]) == (None, before["revision"] + 1)
    assert ids_of(script, crowded) == wanted


@pytest.mark.parametrize(("wanted", "made"), [({}, "en"), ({"language": "nl"}, "nl")])
def test_course_speaks_the_language_of_its_owner_unless_another_is_wanted(
    script: Script, wanted: dict[str, str], made: str
) -> None:
    answer = script.call("POST", "/courses", json={"title": "Growth", **wanted})

    assert (answer.status_code, answer.get_json()["language"]) == (201, made)
