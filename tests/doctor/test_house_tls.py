"""The doctor on certificates: real servers, certified by an authority of the tests' own or not."""

import ssl
from pathlib import Path

import pytest

from app.doctor.house_tls import look_at_tls
from app.doctor.report import Check, Grade
from tests.parts.certificates import an_authority, signed_by_itself
from tests.parts.server import free_port
from tests.parts.strangers import answering


@pytest.fixture
def _trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust the authority of the tests, as an operator does with her own."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(an_authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


def look(context: ssl.SSLContext) -> dict[str, Check]:
    with answering(context) as server:
        return {check.code: check for check in look_at_tls(f"https://localhost:{server.port}")}


@pytest.mark.usefixtures("_trusting")
def test_certificate_of_an_authority_that_is_named_is_fine() -> None:
    found = look(an_authority().certified())
    assert found["tls"].grade is Grade.OK
    assert found["tls"].message == "The certificate is valid for another 90 days."


@pytest.mark.usefixtures("_trusting")
def test_authority_that_only_this_machine_knows_is_a_note() -> None:
    found = look(an_authority().certified())["tls_authority"]
    assert found.grade is Grade.NOTE
    assert "phones" in found.remedy


def test_authority_that_nobody_named_is_found() -> None:
    found = look(an_authority().certified())["tls"]
    assert found.grade is Grade.FAIL
    assert "no authority that this machine knows" in found.message
    assert "SSL_CERT_FILE" in found.remedy


@pytest.mark.usefixtures("_trusting")
@pytest.mark.parametrize(("days", "grade"), [(14, Grade.OK), (13, Grade.WARN)])
def test_certificate_that_ends_within_two_weeks_is_a_warning(days: int, grade: Grade) -> None:
    found = look(an_authority().certified(days=days))["tls"]
    assert (found.grade, f"another {days} days" in found.message) == (grade, True)


@pytest.mark.usefixtures("_trusting")
def test_expired_certificate_is_found() -> None:
    found = look(an_authority().certified(days=-2))["tls"]
    assert found.grade is Grade.FAIL
    assert "has expired" in found.message


@pytest.mark.usefixtures("_trusting")
def test_certificate_for_another_name_is_found() -> None:
    found = look(an_authority().certified("elsewhere.example.org"))["tls"]
    assert found.grade is Grade.FAIL
    assert "not for localhost but for another name" in found.message


@pytest.mark.usefixtures("_trusting")
def test_certificate_that_is_signed_by_itself_is_found() -> None:
    found = look(signed_by_itself())["tls"]
    assert found.grade is Grade.FAIL
    assert "signed by itself" in found.message


def test_server_without_tls_is_found() -> None:
    with answering() as server:
        [found] = look_at_tls(f"https://localhost:{server.port}")
    assert found.grade is Grade.FAIL
    assert "Nobody speaks TLS" in found.message


def test_port_where_nobody_listens_is_found() -> None:
    [found] = look_at_tls(f"https://localhost:{free_port()}")
    assert "Nobody speaks TLS" in found.message


def test_house_without_https_is_a_note() -> None:
    [found] = look_at_tls("http://127.0.0.1:8000")
    assert found.grade is Grade.NOTE
