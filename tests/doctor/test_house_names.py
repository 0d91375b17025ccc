"""The doctor on the name of the house: known, and somebody at each address behind it."""

from app.doctor.house_names import judge_addresses, look_at_name
from app.doctor.report import Grade
from tests.parts.strangers import Stranger

HOST = "courses.example.org"


def test_name_that_the_dns_does_not_know_is_found() -> None:
    # RFC 6761 6.4: nobody ever has it.
    [found] = look_at_name("https://courses.invalid")
    assert found.grade is Grade.FAIL
    assert "knows no address of courses.invalid" in found.message


def test_address_at_which_nobody_listens_is_found(stranger: Stranger) -> None:
    found = judge_addresses(HOST, stranger.port, ["127.0.0.1", "127.0.0.2"])
    assert found.grade is Grade.FAIL
    assert "nobody listens at 127.0.0.2." in found.message
    assert f"port {stranger.port}" in found.remedy


def test_addresses_that_all_answer_are_fine(stranger: Stranger) -> None:
    found = judge_addresses(HOST, stranger.port, ["127.0.0.1"])
    assert (found.grade, found.message) == (Grade.OK, f"{HOST} is known by 127.0.0.1.")


def test_house_that_is_down_is_the_news_of_another_look(stranger: Stranger) -> None:
    assert judge_addresses(HOST, stranger.port, ["127.0.0.2"]).grade is Grade.OK


def test_loopback_is_served_by_one_kind_of_address(stranger: Stranger) -> None:
    found = judge_addresses("localhost", stranger.port, ["127.0.0.1", "127.0.0.2"])
    assert found.grade is Grade.OK
