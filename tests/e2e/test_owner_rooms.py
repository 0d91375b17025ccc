"""The owner's rooms in a real browser, on a real server: phone and desk, light and dark."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.parts.audio_files import AudioFiles
from tests.parts.browser import (
    EVERY_SCREEN,
    Look,
    OpenPage,
    look_over,
    wait_for,
)
from tests.parts.pictures import a_jpeg
from tests.parts.server import Installation, installation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMAIL = "ada@example.org"
# A recording is heard from beginning to end before it can be published.
ANALYSIS_MS = 60_000
ENGLISH = Look(language="en-GB")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("owner")) as here:
        here.make_tables()
        here.serve()
        yield here


@pytest.fixture(scope="module")
def password(server: Installation) -> str:
    said = server.run("account", "add", EMAIL, "--name", "Ada", "--language", "en")
    return said.rpartition(" ")[2].strip()


def sign_in(page: Page, server: Installation, password: str) -> None:
    page.goto(f"{server.url}/admin/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your courses", exact=True)).to_be_visible()


def make_course(page: Page, title: str) -> str:
    """Make a course by hand and answer the address of its room."""
    origin = re.match(r"https?://[^/]+", page.url)
    assert origin is not None
    page.goto(f"{origin[0]}/admin/courses/new")
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_role("button", name="Make the course").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    return page.url


def wait_until_heard(page: Page) -> None:
    """Load the lesson's room again until its audio was found fit."""
    for _ in range(ANALYSIS_MS // 1000):
        page.reload()
        if page.get_by_role("button", name="Publish").count():
            return
        page.wait_for_timeout(1000)
    pytest.fail(page.inner_text("main"))


def test_an_owner_teaches_from_an_empty_house_to_an_open_course(
    open_page: OpenPage,
    server: Installation,
    password: str,
    audio_files: AudioFiles,
) -> None:
    page = open_page(ENGLISH)
    sign_in(page, server, password)
    room = make_course(page, "Teach")
    page.get_by_role("link", name="Add the first lessons").click()
    page.set_input_files("input[type=file]", audio_files["cbr.mp3"])
    page.get_by_role("link", name="To the lesson").click()
    page.get_by_role("textbox", name="Title").fill("For whom?")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="For whom?")).to_be_visible()
    wait_until_heard(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The lesson is published")).to_be_visible()

    page.goto(room)
    page.get_by_role("link", name="Open for sign-up").click()
    page.get_by_role("button", name="Open the course").click()
    expect(page.get_by_text("The course is open.")).to_be_visible()
    page.get_by_role("link", name="Listen", exact=True).click()
    expect(page.locator("audio")).to_have_count(1)

    page.locator("audio").evaluate("audio => { audio.preload = 'metadata'; audio.load(); }")
    wait_for(page, "document.querySelector('audio').duration > 59")


def test_an_upload_can_be_stopped_and_goes_on_where_it_was(
    open_page: OpenPage, server: Installation, password: str, tmp_path: Path
) -> None:
    big = tmp_path / "big.mp3"
    big.write_bytes(b"\0" * 40_000_000)
    page = open_page(ENGLISH)
    sign_in(page, server, password)
    make_course(page, "Stop and go")
    page.get_by_role("link", name="Add the first lessons").click()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    slow.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": 8_000_000})
    page.set_input_files("input[type=file]", big)
    wait_for(page, "document.querySelector('progress').value > 26e6")
    expect(page.get_by_text(re.compile(r"of 40 MB, \d+ s left"))).to_be_visible()

    page.get_by_role("button", name="Stop: big.mp3").click()
    expect(page.locator(".uploads").get_by_text("Stopped.")).to_be_visible()
    first = sum(each.startswith("PUT") for each in sent)
    sent.clear()
    slow.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": -1})
    page.get_by_role("button", name="Go on: big.mp3").click()

    expect(page.get_by_text("This file cannot be used.").first).to_be_visible()
    again = sum(each.startswith("PUT") for each in sent)
    assert again < 5 < first + again


def test_rooms_work_without_javascript(
    open_page: OpenPage, server: Installation, password: str, audio_files: AudioFiles
) -> None:
    page = open_page(Look(has_javascript=False, language="en-GB"))
    sign_in(page, server, password)
    room = make_course(page, "By hand")
    page.get_by_role("link", name="Add the first lessons").click()
    page.set_input_files("input[type=file]", audio_files["cbr.mp3"])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="What became of your files")).to_be_visible()
    page.get_by_role("link", name="To the lesson").click()
    wait_until_heard(page)
    page.get_by_role("button", name="Publish").click()
    page.goto(f"{room}edit")
    page.get_by_label("Story").fill("## Why")
    page.get_by_role("button", name="Look at the story first").click()

    expect(page.get_by_role("heading", name="Why")).to_be_visible()


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_every_room_looks_right_and_is_accessible(
    page: Page, look: Look, server: Installation, password: str, audio_files: AudioFiles
) -> None:
    look_at_the_doors(page, server)
    sign_in(page, server, password)
    room = make_course(page, f"Bouw een bloeiende community {look}")
    see(page, "course-empty")
    look_at_lessons(page, room, audio_files)
    look_at_the_cover(page, room)
    look_at_mistakes(page, room)
    look_at_the_course(page, room)
    page.goto(f"{server.url}/admin/?lang=nl")
    see(page, "courses")
    page.goto(f"{room}finish")
    see(page, "finish-nl")


def look_at_the_doors(page: Page, server: Installation) -> None:
    page.goto(f"{server.url}/sign-in?lang=en")
    see(page, "sign-in")
    page.get_by_role("button", name="Sign in").click()
    see(page, "sign-in-wrong")
    page.goto(f"{server.url}/sign-in/forgotten")
    see(page, "forgotten")


def look_at_lessons(page: Page, room: str, audio_files: AudioFiles) -> None:
    page.goto(f"{room}lessons/new")
    see(page, "add-lessons")
    page.set_input_files("input[type=file]", [audio_files["cbr.mp3"], audio_files["half.mp3"]])
    expect(page.locator("[data-upload-said]")).to_contain_text("2 of 2 files sent")
    see(page, "add-lessons-sent")
    page.get_by_role("link", name="To the lesson").click()
    see(page, "lesson-waiting")
    wait_until_heard(page)
    see(page, "lesson-ready")
    page.get_by_role("link", name="Delete").click()
    see(page, "lesson-delete")
    page.go_back()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The lesson is published")).to_be_visible()
    see(page, "lesson-published")


def look_at_the_cover(page: Page, room: str) -> None:
    page.goto(f"{room}edit")
    page.set_input_files("input[type=file]", a_picture_file("cover.jpg", 1500))
    page.get_by_role("button", name="Use as cover").click()
    expect(page.get_by_text("The course has a new cover")).to_be_visible()
    see(page, "about")
    page.set_input_files("input[type=file]", a_picture_file("small.jpg", 300))
    page.get_by_role("button", name="Use as cover").click()
    expect(page.get_by_text("That picture was not taken")).to_be_visible()
    see(page, "about-cover-refused")


def look_at_mistakes(page: Page, room: str) -> None:
    page.goto(f"{room}edit")
    title = page.get_by_role("textbox", name="Title")
    title.fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".error-summary")).to_be_focused()
    see(page, "about-wrong")
    page.goto(f"{room}edit")
    other = page.context.new_page()
    other.goto(f"{room}edit")
    other.get_by_label("Story").fill("What Bob wrote")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("Saved.")).to_be_visible()
    other.close()
    page.get_by_label("Story").fill("What Ada wrote")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody else saved")).to_be_visible()
    see(page, "about-stale")


def look_at_the_course(page: Page, room: str) -> None:
    page.goto(room)
    see(page, "course")
    page.goto(f"{room}open")
    see(page, "open")
    page.get_by_role("button", name="Open the course").click()
    expect(page.get_by_text("The course is open.")).to_be_visible()
    see(page, "course-open")
    page.goto(f"{room}listen?day=7")
    see(page, "listen")
    page.goto(f"{room}order")
    see(page, "order")


def see(page: Page, name: str) -> None:
    look_over(page, f"owner-{name}")


def a_picture_file(name: str, side: int) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": a_jpeg(side)}
