"""The page on what is kept: each sentence has its proof, each period its source.

A sentence that is added to the page fails a test until it is listed here with the test that proves
it; a test that is renamed or deleted fails it too.
"""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from babel.messages.extract import extract_from_file
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from app import create_app, source
from app.cli import cadans
from app.doctor.house_rights import look_at_privacy
from app.doctor.report import Grade
from app.house import House
from app.policy import Access
from app.services import erasures, mailing, signup, soft_bounces
from app.setting_rights import BLANKS, OPTIONAL
from app.settings import Settings
from app.web.access import access_of
from app.web.babel import COOKIE_SECONDS
from app.web.rights_words import say_periods
from app.web.security import SESSION_LIFETIME
from tests.builders import a_course

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "app" / "templates" / "public" / "privacy.html"
OF_THE_OPERATOR: Final = "test_page_says_what_was_filled_in"
A_BLANK: Final = "test_blank_says_that_it_is_one"
# What the page claims, by how each sentence begins, and what proves it. A name alone is a test of
# this file. No proof: what only people can promise, or a heading.
CLAIMS: Final[dict[str, tuple[str, ...]]] = {
    "As little as": (
        "tests/db/test_exports.py::test_every_table_with_a_way_to_a_person_is_exported_or_excused",
    ),
    "This is a demonstration": ("test_demo_says_that_it_is_one",),
    "Who runs this house has not filled in": (A_BLANK,),
    "Not filled in yet": (A_BLANK,),
    "Our mails come from": (A_BLANK,),
    "On that same server.": ("test_page_says_who_sees_the_address_of_an_app_that_fetches",),
    "Your app fetches each lesson": ("test_page_says_who_sees_the_address_of_an_app_that_fetches",),
    "Stays in a folder": (OF_THE_OPERATOR,),
    "Whoever makes your course sees": (
        "tests/web/test_admin_listeners.py::test_owner_reads_who_since_when_and_how_far",
        "tests/web/test_admin_listeners.py::test_owner_reads_that_mail_does_not_arrive",
        "tests/web/test_admin_leaks.py::test_owner_reads_who_and_why",
        "tests/web/test_admin_listeners.py::test_eve_with_a_course_of_her_own_finds_nobody_of_this_one",
        "tests/web/test_admin_listeners.py::test_who_may_not_see_listeners_sees_nobody",
    ),
    "Your name and e-mail address, the language": (
        "tests/web/test_signup.py::test_zone_of_the_browser_is_kept_when_it_is_known",
        "tests/web/test_rights.py::test_sign_up_keeps_the_mark_of_the_text_under_the_form",
    ),
    "We may keep them because": (
        "tests/unit/test_consent.py::test_text_that_people_agreed_to_is_not_changed_without_a_new_version",
        "tests/web/test_rights.py::test_who_takes_part_stays_with_her_text_when_it_changes_and_gets_no_mail",
    ),
    "If you do not press the link": (
        "tests/db/test_outbox.py::test_sign_up_that_was_not_confirmed_is_gone_after_seven_days",
    ),
    "Which lessons have become yours": (
        "tests/db/test_exports.py::test_export_holds_what_she_would_look_for",
        "tests/db/test_fetches.py::test_subscription_knows_its_apps_last_sign_of_life",
    ),
    "On which day which app": (
        "tests/db/test_fetches.py::test_counts_of_one_day_app_and_outcome_add_up",
        "tests/db/test_retention.py::test_counts_of_fetches_go_once_their_days_are_over",
    ),
    "When you listen in the browser": (
        "tests/web/test_my_listening.py::test_what_one_device_said_the_next_one_shows",
        "tests/e2e/test_place_in_a_lesson.py::test_a_place_that_could_not_be_sent_waits_in_the_browser",
    ),
    "This program does not store your internet address": (
        "tests/db/test_leaks.py::test_no_address_and_nothing_to_find_it_by_is_written_down",
        "tests/db/test_limits.py::test_nothing_kept_tells_who_tried",
    ),
    "Whether the web server": (A_BLANK,),
    "The web server in front": (OF_THE_OPERATOR,),
    "Neither does the web server": ("test_nothing_is_said_of_logs_and_backups_that_are_not_there",),
    "When something breaks here": (
        "tests/e2e/test_telemetry.py::test_faults_are_reported_with_kind_and_place_and_nobodys_words",
        "test_reports_of_faults_are_spoken_of_only_where_there_are_any",
    ),
    "To notice that an address": (
        "tests/db/test_leaks.py::test_networks_go_with_their_day",
        "tests/db/test_leaks.py::test_no_address_and_nothing_to_find_it_by_is_written_down",
        "tests/db/test_retention.py::test_signs_of_a_leak_go_after_the_days_that_were_set",
    ),
    "If whoever makes the course allows it": (
        "tests/db/test_leaks.py::test_nothing_is_done_unless_the_owner_allows_it",
        "tests/db/test_leaks.py::test_ladder_goes_no_further_than_allowed",
    ),
    "To stop robots": (
        "tests/db/test_limits.py::test_hash_means_nothing_once_the_day_is_over",
        "tests/db/test_limits.py::test_salts_and_counts_of_past_days_are_thrown_away",
    ),
    "You get a mail when": (
        "tests/web/test_mail.py::test_each_unlock_brings_one_mail",
        "tests/unit/test_letters.py::test_last_line_of_the_text_says_how_to_stop",
    ),
    "When your mailbox sends": (
        "tests/db/test_suppressions.py::test_suppressed_address_gets_no_news",
        "tests/db/test_soft_bounces.py::test_it_is_forgotten_after_a_month",
    ),
    "To which address a mail went": (
        "tests/db/test_outbox.py::test_addresses_are_forgotten_thirty_days_after_sending",
        "tests/db/test_retention.py::test_mail_of_nobody_goes_and_one_of_a_listener_stays_without_her_address",
    ),
    "There are no hidden pictures": (
        "tests/unit/test_letters.py::test_mail_loads_nothing_from_anywhere",
    ),
    "One when you choose another language": (
        "test_pages_for_everybody_set_no_cookie_but_that_of_a_language",
        "test_cookies_last_as_long_as_the_page_says",
    ),
    "The recordings aside": (
        "tests/web/test_security.py::test_pages_send_no_referrer_and_run_no_inline_code",
    ),
    "As long as you take part.": (
        "tests/db/test_retention.py::test_who_left_stays_for_ever_unless_the_operator_says_otherwise",
        "tests/web/test_delivery_audio.py::test_what_she_had_plays_on_after_she_left",
    ),
    "When you have left every course": (
        "tests/db/test_retention.py::test_who_left_long_ago_is_erased_without_a_mail_and_her_feed_says_gone",
        "tests/db/test_retention.py::test_who_left_but_is_still_heard_of_stays",
    ),
    'You can <a href="%(url)s">take all': (
        "tests/web/test_my_export.py::test_archive_holds_the_document_and_a_page_in_her_language",
    ),
    "Your name, your language": (
        "tests/web/test_my_details.py::test_name_and_language_can_be_changed",
        "tests/web/test_my_details.py::test_address_changes_once_both_mailboxes_said_yes",
    ),
    "When you put your lessons into a calendar": (
        "tests/web/test_my_calendar.py::test_calendar_names_no_address_and_no_person",
        "tests/web/test_my_calendar.py::test_link_that_she_took_back_shows_nothing",
    ),
    'You can <a href="%(url)s">have yourself': (
        "tests/db/test_erasures.py::test_nothing_of_her_is_left_in_any_table",
        "tests/db/test_erasures.py::test_she_has_a_day_to_the_second",
        "tests/web/test_delivery_audio.py::test_rule_20_audio_of_an_erased_listener_answers_410",
    ),
    "What is left is a mark": (
        "tests/db/test_erasures.py::test_her_address_answers_gone_and_the_day_is_counted",
        "tests/db/test_erasures.py::test_only_her_last_mail_holds_her_address",
        "tests/db/test_outbox.py::test_we_give_up_after_three_days",
    ),
    "How long backups": (A_BLANK,),
    "In backups you stay": (OF_THE_OPERATOR,),
    "There are no backups": ("test_nothing_is_said_of_logs_and_backups_that_are_not_there",),
    "Tell who runs this house": (OF_THE_OPERATOR,),
}
HEADINGS: Final = {
    "What is kept of you",
    "By whom",
    "Who runs this house",
    "For questions",
    "By post",
    "Data protection officer",
    "The server",
    "The recordings",
    "The mail",
    "When you sign up",
    "While you listen",
    "Mails",
    "Cookies",
    "How long, and how to end it",
    "If it is not right",
}
FILLED_IN: Final = """
name = "Stichting Bloei"
contact = "vragen@bloei.example"
address = "Postbus 1, Utrecht"
hosting = {nl = "Bij Huis BV in Groningen", en = "At Huis BV in Groningen"}
storage = "Bij Emmer BV in Assen"
mail = "Bij Post BV in Leiden"
authority = "Autoriteit Persoonsgegevens"
authority_url = "https://www.autoriteitpersoonsgegevens.nl"
officer = "Mr. F. Gegevens"
web_log_days = 11
backup_days = 1
"""

MakePage = Callable[..., str]


@pytest.fixture
def read_page(
    environ: dict[str, str], tmp_path: Path, make_house: Callable[[Settings], House]
) -> MakePage:
    """The page of a house with this file filled in and these settings."""

    def read(filled_in: str = "", *, language: str = "en", **settings: str) -> str:
        path = tmp_path / "filled-in.toml"
        path.write_text(filled_in, encoding="utf-8")
        named = {f"CADANS_{name}": text for name, text in settings.items()}
        house = make_house(Settings.from_env({**environ, "CADANS_PRIVACY": str(path), **named}))
        answer = create_app(house.settings, house).test_client().get(f"/my/privacy?lang={language}")
        assert answer.status_code == 200
        return " ".join(answer.text.split())

    return read


def sentences() -> list[str]:
    found = extract_from_file(
        "jinja2", PAGE, options={"extensions": "jinja2.ext.i18n", "trimmed": "true"}
    )
    return [message for _, message, *_ in found if isinstance(message, str)]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_sentence_of_the_page_is_listed_with_its_proof() -> None:
    unproven = [
        sentence
        for sentence in sentences()
        if sentence not in HEADINGS and not any(sentence.startswith(start) for start in CLAIMS)
    ]
    assert unproven == []
    unsaid = [start for start in CLAIMS if not any(each.startswith(start) for each in sentences())]
    assert unsaid == []


def test_every_proof_is_a_test_that_is_there() -> None:
    for proofs in CLAIMS.values():
        for proof in proofs:
            file, _, name = proof.rpartition("::")
            path = ROOT / file if file else Path(__file__)
            assert name in names_in(path), proof


def test_no_sentence_of_the_page_holds_a_number_of_its_own() -> None:
    assert [each for each in sentences() if any(sign.isdecimal() for sign in each)] == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_page_says_the_periods_that_the_settings_set(read_page: MakePage, language: str) -> None:
    page = read_page(
        language=language, KEEP_FETCHES="41", KEEP_MAILS="13", KEEP_SIGNS="43", KEEP_LEFT="947"
    )
    days = "dagen" if language == "nl" else "days"
    assert [number for number in (41, 13, 43, 947) if f"{number} {days}" not in page] == []


def test_periods_are_said_in_years_where_they_are_years(read_page: MakePage) -> None:
    assert "for 2 years, all that is kept" in read_page(KEEP_LEFT="730")
    assert "731 dagen" in read_page(KEEP_LEFT="731", language="nl")
    assert "1 jaar" in read_page(KEEP_LEFT="731", language="nl")


def test_periods_are_those_that_the_code_goes_by(app: Flask, house: House) -> None:
    def days(period: timedelta) -> str:
        number = -(-period // timedelta(days=1))
        return {1: "1 day", 365: "1 year"}.get(number, f"{number} days")

    with app.test_request_context("/?lang=en"):
        said = say_periods(house.settings)
    given_up = sum(mailing.BACKOFF, timedelta(0))
    assert said == {
        "confirm": days(signup.CONFIRM_WITHIN),
        "fetches": days(house.settings.keep_fetches),
        "signs": days(house.settings.keep_signs),
        "soft_bounces": days(soft_bounces.KEPT_FOR),
        "mails": days(house.settings.keep_mails),
        "language": days(timedelta(seconds=COOKIE_SECONDS)),
        "session": days(SESSION_LIFETIME),
        "left": None,
        "cool_off": days(erasures.COOL_OFF),
        "last_mail": days(given_up),
        "web_log": None,
        "backups": None,
    }
    assert said["last_mail"] == "3 days"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ["Bij Huis BV in Groningen", "11 dagen", "1 dag "]),
        ("en", ["At Huis BV in Groningen", "11 days", "1 day "]),
    ],
)
def test_page_says_what_was_filled_in(read_page: MakePage, language: str, words: list[str]) -> None:
    page = read_page(FILLED_IN, language=language)
    always = ["Stichting Bloei", "Postbus 1, Utrecht", "Mr. F. Gegevens"]
    assert [each for each in (*always, *words) if each not in page] == []
    assert '<a href="mailto:vragen@bloei.example">' in page
    assert '<a href="https://www.autoriteitpersoonsgegevens.nl" rel="noreferrer">' in page
    blank = "Nog niet ingevuld" if language == "nl" else "Not filled in"
    assert blank not in page
    assert 'class="notice' not in page


def test_sign_up_form_names_who_was_filled_in(
    environ: dict[str, str], tmp_path: Path, make_house: Callable[[Settings], House]
) -> None:
    folder = tmp_path / "var"
    folder.mkdir(exist_ok=True)
    (folder / "privacy.toml").write_text(FILLED_IN, encoding="utf-8")
    house = make_house(Settings.from_env(environ))
    with house.database.writing() as session:
        a_course(session, slug="bloei")
    page = create_app(house.settings, house).test_client().get("/bloei").text
    assert "Stichting Bloei" in page
    assert "mailto:vragen@bloei.example" in page


def test_blank_says_that_it_is_one(read_page: MakePage) -> None:
    page = read_page()
    assert "has not filled in everything on this page yet" in page
    # Name, questions, post, server, authority: recordings and mail stay on this machine.
    assert page.count("Not filled in yet by who runs this house.") == 5
    assert "Whether the web server in front of it does, who runs this house has not" in page
    assert "How long backups are kept, who runs this house has not filled in yet." in page
    assert 'Our mails come from <a href="mailto:cadans@localhost">' in page


def test_nothing_is_said_of_logs_and_backups_that_are_not_there(read_page: MakePage) -> None:
    page = read_page("web_log_days = 0\nbackup_days = 0")
    assert "Neither does the web server in front of it." in page
    assert "There are no backups." in page


def test_page_says_who_sees_the_address_of_an_app_that_fetches(read_page: MakePage) -> None:
    s3 = {
        "STORE": "s3://lessons?endpoint=https://s3.example.org",
        "FEED_KEYS": f"1:{'ab' * 32}",
        "SECRET_KEYS": "s" * 40,
    }
    seen = "your internet address is seen there"
    assert seen in read_page(FILLED_IN, **s3)
    assert "Bij Emmer BV in Assen" in read_page(FILLED_IN, **s3)
    assert seen not in read_page(FILLED_IN, **s3, AUDIO="serve")
    at_home = read_page(FILLED_IN)
    assert seen not in at_home
    assert "On that same server." in at_home


def test_demo_says_that_it_is_one(read_page: MakePage) -> None:
    page = read_page(DEMO="1")
    assert "This is a demonstration on somebody" in page
    assert "has not filled in everything" not in page


def test_reports_of_faults_are_spoken_of_only_where_there_are_any(read_page: MakePage) -> None:
    words = "a service that watches over it is told what broke"
    assert words not in read_page()
    assert words in read_page(SENTRY_DSN="https://key@faults.example.org/1")


def test_who_left_is_spoken_of_only_where_the_setting_is_set(read_page: MakePage) -> None:
    assert "is erased by itself, without a mail" not in read_page()
    assert "is erased by itself, without a mail" in read_page(KEEP_LEFT="365")


def test_pages_for_everybody_set_no_cookie_but_that_of_a_language(app: Flask, house: House) -> None:
    with house.database.writing() as session:
        a_course(session, slug="bloei")
    paths = [
        rule.rule.replace("<slug>", "bloei")
        for rule in app.url_map.iter_rules()
        if access_of(app, rule.endpoint) is Access.ANYONE
        and "GET" in (rule.methods or set())
        and rule.endpoint.startswith(("public.", "rights.", "my."))
        and rule.arguments <= {"slug"}
    ]
    assert {"/", "/bloei", "/my/", "/my/privacy", source.SOURCE_PATH} <= set(paths)
    for path in paths:
        assert app.test_client().get(path).headers.getlist("Set-Cookie") == [], path
        (only,) = app.test_client().get(f"{path}?lang=nl").headers.getlist("Set-Cookie")
        assert only.startswith("language=nl;"), path


def test_cookies_last_as_long_as_the_page_says(client: FlaskClient) -> None:
    cookie = client.get("/?lang=nl").headers["Set-Cookie"]
    assert f"Max-Age={COOKIE_SECONDS};" in cookie
    assert client.application.permanent_session_lifetime == SESSION_LIFETIME


@pytest.mark.parametrize(
    ("filled_in", "words"),
    [
        ("name = ", "is no TOML"),
        ("naam = 'x'", "has naam"),
        ("web_log_days = '14'", "web_log_days"),
        ("backup_days = -1", "backup_days"),
        ("backup_days = true", "backup_days"),
        ("name = 7", "one line of text"),
        ('name = "a\\nb"', "one line of text"),
        (f'name = "{"x" * 301}"', "one line of text"),
        ('name = {de = "x"}', "in a language that is not"),
        ('contact = "nobody"', "CADANS_PRIVACY"),
        ('contact = "Bloei <a@b.nl>"', "e-mail address and nothing else"),
        ('authority_url = "javascript:alert(1)"', "web address"),
    ],
)
def test_file_that_cannot_be_used_is_refused_in_words(
    tmp_path: Path, environ: dict[str, str], filled_in: str, words: str
) -> None:
    path = tmp_path / "privacy.toml"
    path.write_text(filled_in, encoding="utf-8")
    with pytest.raises(Exception, match="CADANS_PRIVACY") as caught:
        Settings.from_env({**environ, "CADANS_PRIVACY": str(path)})
    assert words in str(caught.value)


def test_file_that_is_named_and_not_there_is_said(environ: dict[str, str]) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        Settings.from_env({**environ, "CADANS_PRIVACY": "/nowhere/privacy.toml"})


def printed(environ: dict[str, str]) -> str:
    done = CliRunner().invoke(cadans, ["privacy"], env=environ, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_command_prints_a_file_that_can_be_used_as_it_is_and_names_every_blank(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "var" / "privacy.toml"
    empty = printed(environ)
    path.write_text(empty, encoding="utf-8")
    assert Settings.from_env(environ).privacy.missing() == list(BLANKS)
    assert [key for key in (*BLANKS, *OPTIONAL) if f"# {key} = " not in empty] == []
    path.write_text(FILLED_IN, encoding="utf-8")
    filled = Settings.from_env(environ).privacy
    path.write_text(printed(environ), encoding="utf-8")
    assert Settings.from_env(environ).privacy == filled


def test_doctor_names_the_blanks_in_one_line(environ: dict[str, str], tmp_path: Path) -> None:
    (check,) = look_at_privacy(Settings.from_env(environ))
    assert check.grade is Grade.WARN
    assert "name, contact, address, hosting, authority, web_log_days, backup_days" in check.message
    (tmp_path / "var" / "privacy.toml").write_text(FILLED_IN, encoding="utf-8")
    (check,) = look_at_privacy(Settings.from_env(environ))
    assert check.grade is Grade.OK
    (check,) = look_at_privacy(Settings.from_env({**environ, "CADANS_DEMO": "1"}))
    assert check.grade is Grade.NOTE
