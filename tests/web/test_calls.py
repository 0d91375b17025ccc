"""The doctor's own door: who has no key of the house finds nothing there, and learns nothing."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.clock import system_clock
from app.house import House
from app.services.house_calls import (
    PATH,
    SCHEME,
    WINDOW,
    AnswerInvalid,
    HouseCalls,
    Question,
    QuestionInvalid,
    new_key,
)
from app.services.links import Links, Purpose
from media.keys import ObjectKey, new_object_key

NOW = system_clock()


@pytest.fixture
def calls(house: House) -> HouseCalls:
    return HouseCalls(keys=house.settings.secret_keys)


def ask(client: FlaskClient, authorization: str | None) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.get(PATH, headers=headers)


def test_doctor_of_the_house_is_answered(client: FlaskClient, calls: HouseCalls) -> None:
    question = calls.ask(now=system_clock())
    response = ask(client, f"{SCHEME} {question.text}")
    assert response.headers["Cache-Control"] == "no-store"
    assert calls.read(question, response.text).peer == "127.0.0.1"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        SCHEME,
        f"{SCHEME} ",
        f"{SCHEME} x",
        f"{SCHEME} {'x' * 5000}",
        "Bearer x",
        "Basic x",
    ],
)
def test_who_asks_without_a_key_finds_what_stands_at_any_other_address(
    client: FlaskClient, authorization: str | None
) -> None:
    response, nowhere = ask(client, authorization), client.get("/hooks/nothing")
    assert (response.status_code, response.data) == (404, nowhere.data)
    assert set(response.headers.keys()) == set(nowhere.headers.keys())


def test_doctor_of_another_house_finds_nothing(client: FlaskClient) -> None:
    question = HouseCalls(keys=("another key of forty letters, at the least",)).ask(now=NOW)
    assert ask(client, f"{SCHEME} {question.text}").status_code == 404


def test_question_is_good_for_a_few_minutes_by_either_clock(calls: HouseCalls) -> None:
    # To the second: that is how it is written down.
    now = NOW.replace(microsecond=0)
    text = calls.ask(now=now).text
    assert calls.open(text, now=now + WINDOW).text == text
    assert calls.open(text, now=now - WINDOW).text == text
    for wrong in (now + WINDOW + timedelta(seconds=1), now - WINDOW - timedelta(seconds=1)):
        with pytest.raises(QuestionInvalid):
            calls.open(text, now=wrong)


def test_link_in_a_mail_is_no_question(house: House, calls: HouseCalls) -> None:
    link = Links(keys=house.settings.secret_keys).sign(Purpose.SIGN_IN, 1, now=NOW)
    with pytest.raises(QuestionInvalid):
        calls.open(link, now=NOW)


def test_answer_to_one_question_is_none_to_another(client: FlaskClient, calls: HouseCalls) -> None:
    first, second = (calls.ask(now=system_clock()) for _ in range(2))
    answer = ask(client, f"{SCHEME} {first.text}").text
    with pytest.raises(AnswerInvalid):
        calls.read(second, answer)


def test_doctor_gets_her_own_object_whole_and_in_part(
    client: FlaskClient, house: House, calls: HouseCalls
) -> None:
    key = new_key()
    house.store.put(key, [b"0123456789"], "application/octet-stream")
    asked = f"{SCHEME} {calls.ask(now=system_clock(), object_key=key).text}"
    part = client.get(PATH, headers={"Authorization": asked, "Range": "bytes=2-4"})
    assert (part.status_code, part.data) == (206, b"234")
    assert ask(client, asked).data == b"0123456789"


def test_doctor_may_ask_for_her_own_objects_alone(
    client: FlaskClient, house: House, calls: HouseCalls
) -> None:
    lesson = new_object_key(1, "mp3")
    house.store.put(lesson, [b"lesson 4"], "audio/mpeg")
    asked = calls.ask(now=system_clock(), object_key=lesson)
    assert ask(client, f"{SCHEME} {asked.text}").status_code == 404


@pytest.mark.parametrize("key", ["doctor/../1/x.mp3", "", "doctor/x", 7])
def test_object_that_is_not_there_is_not_found(
    client: FlaskClient, calls: HouseCalls, key: ObjectKey
) -> None:
    asked = calls.ask(now=system_clock(), object_key=key)
    assert ask(client, f"{SCHEME} {asked.text}").status_code == 404


@pytest.mark.parametrize("text", ["", "It works!", "e30.x", "é"])
def test_answer_that_no_house_gave_is_none(calls: HouseCalls, text: str) -> None:
    with pytest.raises(AnswerInvalid):
        calls.read(Question(nonce="n", text="t"), text)


def test_question_that_comes_back_as_it_was_is_no_answer(calls: HouseCalls) -> None:
    question = calls.ask(now=NOW)
    with pytest.raises(AnswerInvalid):
        calls.read(question, question.text)
