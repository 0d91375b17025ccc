"""The doctor in conversation with a real mail server: STARTTLS, a password, and one mail."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.doctor.house_mail import look_at_mail
from app.doctor.report import Check, Grade
from app.house import House
from app.settings import Settings
from tests.parts.certificates import an_authority
from tests.parts.smtp import Login, MailServer, receiving

LOGIN = Login(user="cadans", password="hush-hush-hush")
Look = Callable[..., dict[str, Check]]


@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A server as providers have it: TLS first, then a password, then mail."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(an_authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with receiving(context=an_authority().certified(), login=LOGIN) as server:
        yield server


@pytest.fixture
def look(environ: dict[str, str], make_house: Callable[[Settings], House]) -> Look:
    def look(url: str, send_to: str | None = None) -> dict[str, Check]:
        environ.update(CADANS_MAIL=url, CADANS_MAIL_FROM="Cadans <cadans@example.org>")
        house = make_house(Settings.from_env(environ))
        return {check.code: check for check in look_at_mail(house, send_to)}

    return look


def url_of(server: MailServer, *, password: str = LOGIN.password, host: str = "localhost") -> str:
    return f"smtp://{LOGIN.user}:{password}@{host}:{server.port}?tls=starttls"


def test_server_that_knows_us_is_fine_and_gets_no_mail(look: Look, secured: MailServer) -> None:
    found = look(url_of(secured))
    assert {code: check.grade for code, check in found.items()} == {"mail": Grade.OK}
    assert "knows us" in found["mail"].message
    assert secured.received == []


def test_one_mail_is_sent_to_whom_it_was_asked_for(look: Look, secured: MailServer) -> None:
    found = look(url_of(secured), "ada@example.net")
    assert found["mail_sent"].grade is Grade.OK
    [received] = secured.received
    assert received.recipients == ("ada@example.net",)
    assert received.message["From"] == "Cadans <cadans@example.org>"
    assert received.message["Message-ID"].endswith("@example.org>")
    assert received.message["Date"] is not None


def test_wrong_password_is_found_and_no_mail_is_tried(look: Look, secured: MailServer) -> None:
    found = look(url_of(secured, password="another"), "ada@example.net")
    assert list(found) == ["mail"]
    assert "does not know us (535)" in found["mail"].message
    assert "user and password" in found["mail"].remedy


def test_recipient_that_the_server_refuses_is_found(look: Look, secured: MailServer) -> None:
    secured.answer_to["ada@example.net"] = "550 5.1.1 no such mailbox"
    found = look(url_of(secured), "ada@example.net")["mail_sent"]
    assert found.grade is Grade.FAIL
    assert "550 5.1.1" in found.message


def test_certificate_for_another_name_is_found(look: Look, secured: MailServer) -> None:
    found = look(url_of(secured, host="127.0.0.1"))["mail"]
    assert found.grade is Grade.FAIL
    assert "a certificate that is not trusted" in found.message
    assert "the name its certificate is for" in found.remedy


def test_server_without_starttls_is_found(look: Look, mail_server: MailServer) -> None:
    found = look(f"smtp://127.0.0.1:{mail_server.port}")["mail"]
    assert found.grade is Grade.FAIL
    assert "does not offer" in found.message


def test_folder_in_place_of_a_server_is_a_note(look: Look, tmp_path: Path) -> None:
    found = look(f"maildir:{tmp_path / 'mail'}", "ada@example.net")
    assert found["mail"].grade is Grade.NOTE
    assert str(tmp_path / "mail") in found["mail_sent"].message
