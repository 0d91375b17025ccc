"""The mailbox of bounces on a real IMAP server."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from app.jobs.returns import read_returns
from app.mail.boxes import BoxUnreachable, open_box
from app.mail.reports import MAX_REPORT_BYTES
from app.setting_mail import Imap, parse_bounces
from app.settings import Settings
from tests.parts.house import MakeHouse
from tests.parts.imap import PASSWORD, ImapServer
from tests.parts.returned import a_bounce, an_auto_reply


def url_of(imap_server: ImapServer, password: str = PASSWORD) -> str:
    return f"imap://bounces:{quote(password, safe='')}@127.0.0.1:{imap_server.port}/INBOX?tls=none"


def test_reports_are_marked_as_read_and_other_mail_stays_unread(
    imap_server: ImapServer, environ: dict[str, str], make_house: MakeHouse
) -> None:
    for raw in (
        a_bounce(),
        an_auto_reply("<x@h>"),
        b"Subject: big\r\n\r\n" + b"x" * MAX_REPORT_BYTES,
    ):
        imap_server.put(raw)
    house = make_house(Settings.from_env({**environ, "CADANS_BOUNCES": url_of(imap_server)}))
    assert read_returns(house) == 3
    assert read_returns(house) == 0
    report, reply, big = imap_server.flags()
    assert r"\Seen" in report
    assert r"\Seen" not in reply + big
    assert all("CadansLooked" in flags for flags in (report, reply, big))


def test_mail_is_fetched_whole(imap_server: ImapServer) -> None:
    raw = a_bounce(message_id="<whole@h>")
    imap_server.put(raw)
    target = parse_bounces(url_of(imap_server))
    assert isinstance(target, Imap)
    with open_box(target) as box:
        (found,) = (mail for mail in box.unseen(10) if mail.raw and b"whole@h" in mail.raw)
        assert found.raw == raw
        box.looked_at(found.key, is_report=True)


def test_wrong_password_is_said_without_a_name(imap_server: ImapServer) -> None:
    target = parse_bounces(url_of(imap_server, "wrong"))
    assert target is not None
    with pytest.raises(BoxUnreachable) as caught, open_box(target):
        pass
    assert "bounces@" not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_server_that_is_down_is_said_as_such() -> None:
    target = parse_bounces("imap://bounces:x@127.0.0.1:1/INBOX?tls=none")
    assert target is not None
    with pytest.raises(BoxUnreachable), open_box(target):
        pass


@pytest.fixture
def trusted(imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> ImapServer:
    """A server whose certificate the system believes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.authority))
    return imap_server


def tls_url(imap_server: ImapServer, tls: str, host: str = "localhost") -> str:
    port = imap_server.tls_port if tls == "implicit" else imap_server.port
    return f"imap://bounces:{quote(PASSWORD, safe='')}@{host}:{port}/INBOX?tls={tls}"


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mailbox_is_read_over_tls(
    trusted: ImapServer, environ: dict[str, str], make_house: MakeHouse, tls: str
) -> None:
    trusted.put(a_bounce())
    house = make_house(Settings.from_env({**environ, "CADANS_BOUNCES": tls_url(trusted, tls)}))
    assert read_returns(house) == 1
    assert r"\Seen" in trusted.flags()[0]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_server_with_a_certificate_that_nobody_believes_gets_no_password(
    imap_server: ImapServer, tls: str
) -> None:
    with refused(tls_url(imap_server, tls)) as caught:
        pass
    assert "CertVerification" in str(caught.value)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_server_with_a_certificate_for_another_name_gets_no_password(
    trusted: ImapServer, tls: str
) -> None:
    with refused(tls_url(trusted, tls, host="127.0.0.1")) as caught:
        pass
    assert "CertVerification" in str(caught.value)


@contextmanager
def refused(url: str) -> Iterator[pytest.ExceptionInfo[BoxUnreachable]]:
    target = parse_bounces(url)
    assert target is not None
    with pytest.raises(BoxUnreachable) as caught, open_box(target):
        pytest.fail("the mailbox let us in")
    yield caught
