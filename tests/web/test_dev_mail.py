"""The demo's mails: for whoever sits at this machine, and nobody else."""

import pytest
from flask.testing import FlaskClient

from app.house import House
from tests.builders import a_course
from tests.parts.letters import send_mail

HERE = {"Host": "127.0.0.1:8000"}


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"CADANS_DEMO": "1"}


@pytest.fixture
def frame(client: FlaskClient, house: House) -> str:
    """The address of the frame of one mail."""
    with house.database.writing() as session:
        a_course(session, slug="bloei", title="Bloei <b>")
    client.post("/bloei", data={"name": "Kim", "email": "kim@example.org"}, headers=HERE)
    send_mail(house)
    page = client.get("/dev/mail", headers=HERE).text
    return page.partition('href="/dev/mail/')[2].partition('"')[0]


def test_empty_box_says_what_to_do(client: FlaskClient) -> None:
    assert client.get("/dev/mail", headers=HERE).status_code == 200


def test_sign_up_page_points_to_the_mails_of_the_demo(client: FlaskClient, house: House) -> None:
    with house.database.writing() as session:
        a_course(session, slug="bloei")
    form = {"name": "Kim", "email": "kim@example.org"}
    assert 'href="/dev/mail"' in client.post("/bloei", data=form, headers=HERE).text
    elsewhere = client.post("/bloei", data=form, headers={"Host": "192.168.1.5:8000"})
    assert "/dev/mail" not in elsewhere.text


def test_mail_is_shown_with_links_to_press(client: FlaskClient, frame: str) -> None:
    page = client.get(f"/dev/mail/{frame}", headers=HERE).text
    assert "Bloei &lt;b&gt;" in page
    assert '<a href="http://127.0.0.1:8000/my/confirm/' in page


def test_html_part_stands_in_a_frame_without_rights(client: FlaskClient, frame: str) -> None:
    page = client.get(f"/dev/mail/{frame}", headers=HERE).text
    assert 'sandbox="allow-top-navigation-by-user-activation"' in page
    answer = client.get(f"/dev/mail/{frame}/frame", headers=HERE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    assert "script" not in policy
    assert '<base target="_top">' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "192.168.1.5:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1@evil.example"},
        HERE | {"Forwarded": "for=192.0.2.1"},
        HERE | {"X-Forwarded-For": "127.0.0.1"},
        HERE | {"X-Forwarded-Host": "x"},
        HERE | {"X-Forwarded-Proto": "https"},
    ],
)
def test_eve_reads_no_mail_from_elsewhere(
    client: FlaskClient, frame: str, headers: dict[str, str]
) -> None:
    for path in ("/dev/mail", f"/dev/mail/{frame}", f"/dev/mail/{frame}/frame"):
        assert client.get(path, headers=headers).status_code in {400, 404}


@pytest.mark.parametrize("key", ["nothing", "..", "../cur", "%2e%2e%2fcur", "x%00"])
def test_only_mails_of_the_box_are_opened(client: FlaskClient, frame: str, key: str) -> None:
    assert frame
    for path in (f"/dev/mail/{key}", f"/dev/mail/{key}/frame"):
        assert client.get(path, headers=HERE).status_code in {301, 308, 404}


class TestOutsideTheDemo:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | {"CADANS_DEMO": "0"}

    def test_there_is_no_such_page(self, client: FlaskClient) -> None:
        assert client.get("/dev/mail", headers=HERE).status_code == 404
        assert client.get("/dev/mail/x", headers=HERE).status_code == 404
        assert client.get("/dev/mail/x/frame", headers=HERE).status_code == 404
