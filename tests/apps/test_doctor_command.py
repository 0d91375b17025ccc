"""The command itself: words, exit codes, JSON, and what it keeps to itself."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from app.commands.doctor import doctor
from app.demo import DEMO_SLUG
from app.doctor.examine import examine
from app.doctor.fetch import Fetcher
from app.doctor.look import Wanted
from app.doctor.report import Grade
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.feed_host import Host, Reply, Site, feed_host
from tests.parts.server import Installation, demo

SECRET = "n" * 40


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with feed_host() as running:
        yield running


@pytest.fixture(scope="module")
def our_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with demo(tmp_path_factory.mktemp("ours") / "house") as here:
        yield here


@pytest.fixture(scope="module")
def our_feed(our_house: Installation) -> str:
    return become_listener(our_house, maildir_of(our_house), "noor@example.org", DEMO_SLUG)


def run(*words: str) -> Result:
    return CliRunner().invoke(doctor, words)


@pytest.mark.slow
def test_nothing_is_wrong_with_our_own_feed(our_feed: str) -> None:
    with Fetcher() as fetcher:
        wanted = Wanted(address=our_feed, is_all=True, now=datetime.now(UTC))
        report = examine(fetcher, wanted, lambda _: None)
    assert [c.code for c in report.checks if c.grade in {Grade.WARN, Grade.FAIL}] == []
    assert {verdict.grade for verdict in report.verdicts} <= {Grade.OK, Grade.NOTE}


@pytest.mark.slow
def test_the_installed_command_needs_no_settings_and_no_house(
    our_house: Installation, our_feed: str
) -> None:
    said = our_house.run("doctor", our_feed, store="this is no store")
    assert "AntennaPod: works." in said
    token = our_feed.rpartition("/")[2].removesuffix(".xml")
    assert token not in said
    assert token not in our_house.log


def test_findings_come_with_remedies_and_then_a_verdict_per_app(host: Host) -> None:
    site = Site(document=lambda feed: feed.partition("<item>")[0] + "</channel></rss>")
    result = run(host.put("empty", site))
    assert result.exit_code == 1
    assert "FAIL  The feed is empty: Overcast and others do not add it." in result.output
    assert "Let it begin with one item" in result.output
    assert "Apple Podcasts: will not add this feed, because it is empty." in result.output
    assert "newsboat: works." in result.output


def test_json_is_one_object_with_codes_and_verdicts(host: Host) -> None:
    site = Site(before=lambda asked: Reply(status=410) if asked.name == "1.mp3" else None)
    result = run("--json", host.put("gone", site))
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {"code": "audio.status", "grade": "fail"}.items() <= next(
        check for check in report["checks"] if check["grade"] == "fail"
    ).items()
    assert {each["app"] for each in report["apps"]} >= {"AntennaPod", "Overcast", "gPodder"}


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["words", "json"])
def test_a_secret_address_is_cut_short_unless_it_is_asked_for(
    host: Host, words: tuple[str, ...]
) -> None:
    host.put("f", Site(files={}))
    address = host.put(SECRET, Site())
    assert SECRET not in run(*words, address).output
    assert SECRET in run(*words, "--show-address", address).output


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("file:///etc/passwd", "no web address"),
        ("ftp://example.org/feed.xml", "no web address"),
        ("example.org/feed.xml", "no web address"),
        ("https:///feed.xml", "no web address"),
        ("https://[::1/feed.xml", "no web address"),
        ("https://ada:secret@example.org/feed.xml", "name or password"),
        ("http://127.0.0.1:9/feed.xml", "cannot be reached"),
    ],
)
def test_an_address_that_cannot_be_asked_ends_with_two_and_says_why(address: str, why: str) -> None:
    result = run(address)
    assert result.exit_code == 2
    assert why in result.output
    assert "secret" not in result.output


def test_a_wrong_option_ends_with_two() -> None:
    assert run("--newest", "many", "https://example.org/feed.xml").exit_code == 2


@pytest.mark.parametrize(("words", "looked_at"), [((), 2), (("--all",), 2), (("--newest", "0"), 2)])
def test_first_and_last_recording_are_always_looked_at(
    host: Host, words: tuple[str, ...], looked_at: int
) -> None:
    report = json.loads(run("--json", *words, host.put("few", Site())).stdout)
    assert report["recordings_looked_at"] == looked_at
