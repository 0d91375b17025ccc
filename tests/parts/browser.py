"""A real browser: Chromium through Playwright, one per test process, a fresh profile per test.

It cannot leave this machine: whatever it asks of another host is refused and fails the test.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Route,
    sync_playwright,
)

from tests.parts.missing import missing

PICTURES = Path(__file__).parents[2] / "test-output"
PHONE, DESKTOP = 390, 1280
HEIGHTS = {PHONE: 844, DESKTOP: 800}
# The same engine. The first draws no window around each page, which cost more than the pages did.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    # Everything but loopback goes to a proxy that is not there. (Playwright's own interception
    # would answer CORS preflights in the server's place.)
    "--proxy-server=http://127.0.0.1:9",
]
# 2.2 AA, and what axe itself calls good practice: landmarks, headings in order.
WCAG_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE_TAGS = [*WCAG_TAGS, "best-practice"]
# All that a scheme can break.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
STEP_MS = 15_000
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36"
)


Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How somebody looks at a page."""

    width: int = DESKTOP
    scheme: Scheme = "light"
    has_javascript: bool = True
    language: str = "nl-NL"

    def __str__(self) -> str:
        script = "" if self.has_javascript else "-no-js"
        return f"{self.width}-{self.scheme}{script}"


EVERY_SCREEN = [Look(width=PHONE), Look(width=DESKTOP)]
WITHOUT_JAVASCRIPT = Look(has_javascript=False)

OpenPage = Callable[[Look], Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright.chromium)
        yield chromium
        chromium.close()


def launch(kind: BrowserType, *more: str) -> Browser:
    """Start a browser; `more` are arguments of Chromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("Chromium", "chromium-headless-shell fonts-dejavu-core")
    return kind.launch(executable_path=program, args=[*ARGUMENTS, *more])


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page in a profile of its own.

    A request that would leave this machine, a script that breaks and whatever the page's own
    Content-Security-Policy forbids fail the test.
    """
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def look_out(context: BrowserContext) -> None:
        context.on("request", lambda request: trouble.extend(_strays(request)))
        context.on("console", lambda message: trouble.extend(_breaches(message)))
        context.on("weberror", lambda error: trouble.append(str(error.error)))

    def open_one(look: Look) -> Page:
        context = _profile(browser, look)
        look_out(context)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def look() -> Look:
    """How `page` is looked at; a test that cares parametrizes it."""
    return Look()


@pytest.fixture
def page(open_page: OpenPage, look: Look) -> Page:
    return open_page(look)


def keep_picture(page: Page, name: str) -> Path:
    """Save the whole page as `test-output/<name>-<width>-<scheme>.png`."""
    width = (page.viewport_size or {"width": 0})["width"]
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}-{width}-{'dark' if is_dark else 'light'}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def look_over(page: Page, name: str, tags: Sequence[str] = AXE_TAGS) -> None:
    """Keep a picture of the page by day and by night; let axe look, by night only at colours."""
    for scheme in by_day_and_night(page):
        keep_picture(page, name)
        assert_accessible(page, COLOUR_RULES if scheme == "dark" else tags)


def by_day_and_night(page: Page) -> Iterator[Scheme]:
    """Show the page in each scheme, one after the other; it stays in the last."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        yield scheme


def assert_accessible(page: Page, rules: Sequence[str] = AXE_TAGS) -> None:
    """Fail with every violation of these rules, or rules of these tags, that axe-core finds.

    Also on a page wider than its window.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # What it found to be right is most of what it would send.
    violations = page.evaluate(
        "options => axe.run(options).then(found => found.violations)",
        {"runOnly": list(rules), "resultTypes": ["violations"]},
    )
    assert not violations, f"{page.url}\n{_in_words(violations)}"
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"{page.url} is {overflow} px wider than its window"


def assert_accessible_without_scripts(page: Page) -> None:
    """The same for a page in a browser without JavaScript, where axe cannot run.

    What that browser shows is looked at in another one, which runs axe and none of our scripts.
    """
    shown = page.content().replace("<noscript>", "<div>").replace("</noscript>", "</div>")
    browser = page.context.browser
    assert browser is not None
    with browser.new_page(viewport=page.viewport_size) as twin:

        def answer(route: Route) -> None:
            if route.request.is_navigation_request():
                route.fulfill(body=shown, content_type="text/html; charset=utf-8")
            elif route.request.resource_type == "script":
                route.abort()
            else:
                route.continue_()

        twin.route("**/*", answer)
        twin.goto(page.url)
        assert_accessible(twin)


def play(audio: Locator) -> float:
    """Press play, without sound; answer how many seconds it lasts, once the browser can play it."""
    return float(
        audio.evaluate(
            """audio => new Promise((resolve, reject) => {
                audio.addEventListener('canplay', () => resolve(audio.duration));
                audio.addEventListener('error', () => reject(audio.error.message));
                audio.muted = true;
                audio.play();
            })"""
        )
    )


def wait_for(page: Page, expression: str) -> None:
    """Ask until it is so; Playwright's own waiting evaluates text, which our pages forbid."""
    for _ in range(150):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(expression)


def _in_words(violations: list[dict[str, Any]]) -> str:
    lines = []
    for violation in violations:
        lines.append(f"{violation['id']} ({violation['impact']}): {violation['help']}")
        lines += [
            f"    {json.dumps(node['target'])} {node['html'][:200]} {node['failureSummary'][:300]}"
            for node in violation["nodes"]
        ]
    return "\n".join(lines)


def _profile(browser: Browser, look: Look) -> BrowserContext:
    is_phone = look.width == PHONE
    context = browser.new_context(
        viewport={"width": look.width, "height": HEIGHTS[look.width]},
        user_agent=ANDROID if is_phone else None,
        color_scheme=look.scheme,
        java_script_enabled=look.has_javascript,
        locale=look.language,
        timezone_id="Europe/Amsterdam",
        has_touch=is_phone,
        is_mobile=is_phone,
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(STEP_MS)
    return context


def _strays(request: Request) -> list[str]:
    return [] if _stays_here(request.url) else [f"asked another host: {request.url}"]


def _breaches(message: ConsoleMessage) -> list[str]:
    is_breach = message.type == "error" and "Content Security Policy" in message.text
    return [message.text] if is_breach else []


def _stays_here(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ws", "wss"}:
        return True
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
