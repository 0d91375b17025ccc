"""Journey "Teach" with a bucket: the browser sends audio straight to the store, in signed parts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.parts.audio_files import AudioFiles
from tests.parts.browser import Look, play
from tests.parts.buckets import lay_out_bucket
from tests.parts.rgw import S3Server, environ_of
from tests.parts.server import Installation, free_port, installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.s3,
    pytest.mark.slow,
]

EMAIL = "ada@example.org"
HEARD_SECONDS = 60


@pytest.fixture
def look() -> Look:
    return Look(language="en-GB")


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Installation]:
    port = free_port()
    bucket = lay_out_bucket(s3_server, f"http://127.0.0.1:{port}")
    environ = {
        "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
        "CADANS_SECRET_KEYS": "cd" * 32,
        **environ_of(bucket.location, bucket.keys),
    }
    with installation(tmp_path_factory.mktemp("teaching"), environ) as installed:
        installed.port = port
        installed.make_tables()
        installed.serve()
        installed.start("worker")
        yield installed


def test_audio_goes_from_the_browser_to_the_bucket_and_back_to_a_listener_of_day_one(
    here: Installation, s3_server: S3Server, page: Page, audio_files: AudioFiles
) -> None:
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    _sign_in(page, here)
    page.goto(f"{here.url}/admin/courses/new")
    page.get_by_label("Title").fill("By bucket")
    page.get_by_role("button", name="Make the course").click()
    expect(page.get_by_role("heading", name="By bucket")).to_be_visible()
    page.get_by_role("link", name="Add the first lessons").click()
    page.set_input_files("input[type=file]", audio_files["cbr.mp3"])
    page.get_by_role("link", name="To the lesson").click()
    _wait_until_heard(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The lesson is published")).to_be_visible()

    sent_to = [url for method, url in asked if method == "PUT"]
    assert sent_to
    assert all(url.startswith(s3_server.endpoint) for url in sent_to)
    page.get_by_role("link", name="Listen", exact=True).click()
    expect(page.locator("audio")).to_have_count(1)
    assert play(page.locator("audio")) > 59
    assert asked[-1][1].startswith(s3_server.endpoint)


def _sign_in(page: Page, here: Installation) -> None:
    said = here.run("account", "add", EMAIL, "--name", "Ada", "--language", "en")
    page.goto(f"{here.url}/admin/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(said.rpartition(" ")[2].strip())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/admin/$"))


def _wait_until_heard(page: Page) -> None:
    """Load the lesson's room again until its audio was found fit."""
    for _ in range(HEARD_SECONDS):
        page.reload()
        if page.get_by_role("button", name="Publish").count():
            return
        page.wait_for_timeout(1000)
    pytest.fail(page.inner_text("main"))
