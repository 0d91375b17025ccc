"""What everybody may ask of a house, as it looks: every width, scheme and language."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app import consent
from app.db.models import Confirmation
from app.house import House
from app.services.links import Links, Purpose
from tests.builders import a_course
from tests.parts.browser import EVERY_SCREEN, Look, OpenPage, look_over
from tests.web.test_privacy import FILLED_IN

pytestmark = pytest.mark.browser


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """A house of which everything is filled in, or nothing."""
    folder = Path(environ["CADANS_VAR"])
    folder.mkdir(parents=True, exist_ok=True)
    if request.param:
        (folder / "privacy.toml").write_text(FILLED_IN, encoding="utf-8")
    return environ | {"CADANS_KEEP_LEFT": "730"}


def look_at(page: Page, address: str, name: str) -> None:
    page.goto(address)
    look_over(page, name)


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("environ", [True, False], ids=["filled", "blank"], indirect=True)
@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_page_on_what_is_kept_reads_well(
    open_page: OpenPage, look: Look, url: str, house: House, language: str
) -> None:
    kind = "blank" if house.settings.missing_particulars else "filled"
    page = open_page(replace(look, language=language))
    look_at(page, f"{url}/my/privacy?lang={language}", f"privacy-{kind}-{language}")


def a_sign_up(house: House) -> str:
    """Somebody signed up on the Dutch page; answer the token of her confirm link."""
    with house.database.writing() as session:
        confirmation = Confirmation(
            course_id=a_course(session, slug="bloei").id,
            email="kim@example.org",
            email_key="kim@example.org",
            name="Kim",
            language="nl",
            consent_version="2026-11-nl",
            consented_at=house.clock(),
            created_at=house.clock(),
            expires_at=house.clock().replace(year=2027),
        )
        session.add(confirmation)
        session.flush()
        links = Links(keys=house.settings.secret_keys)
        return links.sign(Purpose.CONFIRM, confirmation.id, now=house.clock())


@pytest.mark.parametrize("environ", [True], ids=["filled"], indirect=True)
@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_pages_that_show_what_is_agreed_to_read_well(
    open_page: OpenPage, look: Look, url: str, house: House
) -> None:
    token, page = a_sign_up(house), open_page(look)
    now = consent.current("nl").mark
    look_at(page, f"{url}/my/privacy/agreed/{now}?lang=nl", "consent-text-nl")
    look_at(page, f"{url}/my/privacy/agreed/2026-11-nl?lang=en", "consent-text-of-before")
    look_at(page, f"{url}/bloei?lang=en", "consent-form-en")
    look_at(page, f"{url}/my/confirm/{token}?lang=nl", "consent-confirm-nl")
