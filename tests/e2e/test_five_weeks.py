"""Five weeks of "Listen" and "Be in charge": a browser, its mails, and gPodder beside it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from app.demo import load_demo_course
from tests.e2e.listener import Listener
from tests.parts.clients import GPodder
from tests.parts.server import demo

pytestmark = [pytest.mark.browser, pytest.mark.client, pytest.mark.slow]

TITLES = [lesson.title for lesson in load_demo_course().lessons]
RECORDINGS = [lesson.audio.read_bytes() for lesson in load_demo_course().lessons]
PAUSED_DAYS = 7
# Hers: late in the evening another day has begun there.
ZONE = ZoneInfo("Europe/Amsterdam")


def heard(gpodder: GPodder) -> list[str]:
    """The lessons that gPodder found new and downloaded by now, in order."""
    gpodder.update()
    gpodder.download()
    files = gpodder.files().values()
    return [title for title, audio in zip(TITLES, RECORDINGS, strict=True) if audio in files]


def goes_on_holiday(noor: Listener, until: date) -> None:
    """Pause on her own page."""
    noor.page.goto(f"{noor.url}/my/")
    noor.page.locator("main h2 a").click()
    noor.page.locator("a[href$='/pause']").click()
    noor.fills_in(until=until.isoformat())
    noor.sends_form()
    expect(noor.page.locator(".moves li").first).to_be_visible()
    noor.sends_form()
    expect(noor.page.locator(".notice").first).to_be_visible()


def test_five_weeks_with_a_pause_bring_each_lesson_on_its_day(
    page: Page, gpodder: GPodder, tmp_path: Path
) -> None:
    with demo(tmp_path / "house") as here:
        noor = Listener(page=page, url=here.url, email="noor@example.org")
        address = noor.becomes_listener("Noor")
        gpodder.subscribe(address)

        def heard_on(day: int) -> list[str]:
            here.stop()
            here.serve(demo_clock=f"+{day}d")
            return heard(gpodder)

        assert (heard(gpodder), heard_on(7)) == (TITLES[:1], TITLES[:2])
        noor.opens_mail(TITLES[1])
        # Without it the third lesson would come on day 14; now it comes a week later.
        today = datetime.now(ZONE).date()
        goes_on_holiday(noor, today + timedelta(days=7 + PAUSED_DAYS))
        assert [len(heard_on(day)) for day in (14, 20, 21, 28, 35)] == [2, 2, 3, 4, 4]

        assert gpodder.feed_urls() == [address]
        noor.opens_mail("compleet")
        noor.page.goto(f"{noor.url}/my/")
        noor.looks_around("my-after-five-weeks")
        assert address.rpartition("/")[2].removesuffix(".xml") not in here.log
