"""What the doctor says of the source of a house: against a server that runs."""

import socket
from collections.abc import Callable, Iterator

import pytest

from app import create_app, source
from app.doctor.house_rights import look_at_source
from app.doctor.report import Check, Grade
from app.house import House
from app.settings import Settings
from tests.parts.serving import serving_app


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def running(
    environ: dict[str, str], address: str, make_house: Callable[[Settings], House]
) -> Iterator[House]:
    house = make_house(Settings.from_env(environ | {"CADANS_BIND": address}))
    host, _, port = address.partition(":")
    with serving_app(create_app(house.settings, house), host, int(port)):
        yield house


def look(environ: dict[str, str], address: str, source_url: str) -> Check:
    named = {"CADANS_BIND": address, "CADANS_SOURCE_URL": source_url}
    (check,) = look_at_source(Settings.from_env(environ | named))
    return check


def test_source_that_the_house_gives_itself_is_found(running: House) -> None:
    (check,) = look_at_source(running.settings)
    assert check.grade is Grade.OK
    assert source.SOURCE_PATH in check.message


@pytest.mark.usefixtures("running")
def test_link_that_leads_nowhere_is_found(
    environ: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "is_changed", lambda: False)
    check = look(environ, address, f"http://{address}/no-such-thing/here")
    assert check.grade is Grade.WARN
    assert "(404)" in check.message
    assert "Leave out CADANS_SOURCE_URL" in check.remedy


def test_server_that_does_not_answer_is_found(
    environ: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "is_changed", lambda: False)
    check = look(environ, address, f"http://{address}/source")
    assert check.grade is Grade.WARN
    assert "ConnectError" in check.message


def test_link_to_what_somebody_else_published_is_not_enough_once_the_code_was_changed(
    environ: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "is_changed", lambda: True)
    check = look(environ, address, "https://example.org/cadans")
    assert check.grade is Grade.WARN
    assert "does not hold the changes" in check.message
