"""How the house sees who asks, and what the doctor makes of it: a proxy of every kind in front."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import create_app
from app.clock import system_clock
from app.doctor.house_proxies import CLAIMED, judge_proxies
from app.doctor.report import Check, Grade
from app.house import House
from app.services.house_calls import PATH, SCHEME, HouseCalls, Seen
from app.settings import Settings

DOCTOR = "203.0.113.9"
PROXY = "10.0.0.5"
CDN = "198.51.100.4"
BASE_URL = "https://courses.example.org"
Headers = dict[str, str]
Proxy = Callable[[Headers], Headers]


def says_who(headers: Headers) -> Headers:
    """As ours do: written anew."""
    return {**headers, "X-Forwarded-For": DOCTOR, "X-Forwarded-Proto": "https"}


def adds(headers: Headers) -> Headers:
    """As many do: behind what was there."""
    hops = [headers.get("X-Forwarded-For"), DOCTOR]
    return {"X-Forwarded-For": ", ".join(filter(None, hops)), "X-Forwarded-Proto": "https"}


def hands_on(headers: Headers) -> Headers:
    return {"X-Forwarded-For": DOCTOR, "X-Forwarded-Proto": "https", **headers}


def behind_a_cdn(headers: Headers) -> Headers:
    del headers
    return {"X-Forwarded-For": f"{DOCTOR}, {CDN}", "X-Forwarded-Proto": "https"}


def says_nothing(headers: Headers) -> Headers:
    return headers


def says_no_scheme(headers: Headers) -> Headers:
    return {**headers, "X-Forwarded-For": DOCTOR}


def says_no_address(headers: Headers) -> Headers:
    del headers
    return {"X-Forwarded-Proto": "https"}


def ask(app: Flask, keys: tuple[str, ...], peer: str, proxy: Proxy, claimed: Headers) -> Seen:
    calls = HouseCalls(keys=keys)
    question = calls.ask(now=system_clock())
    response = app.test_client().get(
        PATH,
        headers={"Authorization": f"{SCHEME} {question.text}", **proxy(claimed)},
        environ_base={"REMOTE_ADDR": peer},
    )
    assert response.status_code == 200
    return calls.read(question, response.text)


@pytest.fixture
def look(
    environ: dict[str, str], make_house: Callable[[Settings], House]
) -> Callable[[Proxy, str], Check]:
    def look(proxy: Proxy, trusted: str, *, peer: str = PROXY, base_url: str = BASE_URL) -> Check:
        environ.update(CADANS_TRUSTED_PROXIES=trusted, CADANS_BASE_URL=base_url)
        environ["CADANS_MAIL"] = "smtp://mail.example.org"
        settings = Settings.from_env(environ)
        app = create_app(settings, make_house(settings))
        keys = settings.secret_keys
        honest = ask(app, keys, peer, proxy, {})
        return judge_proxies(honest, ask(app, keys, peer, proxy, {"X-Forwarded-For": CLAIMED}))

    return look


Look = Callable[..., Check]


@pytest.mark.parametrize("proxy", [says_who, adds])
def test_proxy_that_says_who_asks_and_is_named_is_fine(look: Look, proxy: Proxy) -> None:
    found = look(proxy, PROXY)
    assert found.grade is Grade.OK
    assert f"The proxy at {PROXY} says who asks" in found.message


def test_proxy_that_is_not_named_is_found_with_the_setting_to_write(look: Look) -> None:
    found = look(says_who, "127.0.0.1")
    assert found.grade is Grade.FAIL
    assert f"CADANS_TRUSTED_PROXIES={PROXY}" in found.remedy


def test_proxy_is_found_where_no_setting_names_any(look: Look) -> None:
    found = look(says_who, "")
    assert found.grade is Grade.FAIL
    assert f"CADANS_TRUSTED_PROXIES={PROXY}" in found.remedy


def test_proxy_that_says_nothing_is_found(look: Look) -> None:
    found = look(says_nothing, PROXY)
    assert found.grade is Grade.FAIL
    assert "does not say for whom it speaks, nor that it is https" in found.message


def test_proxy_that_does_not_say_that_it_is_https_is_found(look: Look) -> None:
    assert "come by https" in look(says_no_scheme, PROXY).message


def test_proxy_that_does_not_say_for_whom_it_speaks_is_found(look: Look) -> None:
    assert "does not say for whom" in look(says_no_address, PROXY).message


def test_proxy_that_hands_on_what_strangers_write_is_found(look: Look) -> None:
    found = look(hands_on, PROXY)
    assert found.grade is Grade.FAIL
    assert "anybody may claim any address" in found.message


def test_second_proxy_that_is_not_named_is_found(look: Look) -> None:
    found = look(behind_a_cdn, PROXY)
    assert found.grade is Grade.FAIL
    assert f"add {CDN} to CADANS_TRUSTED_PROXIES" in found.remedy


def test_two_proxies_that_are_both_named_are_fine(look: Look) -> None:
    assert look(behind_a_cdn, f"{PROXY}, {CDN}").grade is Grade.OK


@pytest.mark.parametrize("proxy", [says_who, adds])
def test_doctor_that_asks_from_the_machine_of_the_proxy_finds_it_fine(
    look: Look, proxy: Proxy
) -> None:
    assert look(proxy, f"{PROXY}, {DOCTOR}").grade is Grade.OK


def test_house_without_a_proxy_is_fine(look: Look) -> None:
    found = look(says_nothing, "", peer=DOCTOR, base_url="http://127.0.0.1:8000")
    assert (found.grade, found.message) == (Grade.OK, "No proxy stands in front.")


def test_named_network_without_a_proxy_may_claim_any_address(look: Look) -> None:
    found = look(says_nothing, DOCTOR, peer=DOCTOR, base_url="http://127.0.0.1:8000")
    assert found.grade is Grade.WARN
    assert "may claim any address" in found.message
