"""Secrets go through every route and every job; log, figures and error pages keep still.

Names, addresses, passwords, feed tokens, mail links and API tokens stand in paths, queries, forms,
JSON, headers and cookies, in the words of errors that break out of every view, and in the mails
that a server refuses. A room that is added later is here by itself, as in test_every_route.py.
"""

import html
import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.engine import make_url
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from app.db.models import Account, Course, Lesson, Listener
from app.house import House
from app.jobs.tasks import TASKS
from app.jobs.work import run_task
from app.mail.transport import MailLine, MailTransport
from app.policy import Access
from app.services import outbox
from app.services.links import Links, Purpose
from app.services.passwords import hash_password
from app.web.access import access_of
from app.web.delivery import Delivery
from tests.builders import a_course, a_listener, a_membership, a_subscription, an_account
from tests.e2e.test_every_route import routes
from tests.parts.figures import BEARER, TOKEN, MakeWatched
from tests.parts.house import SettableClock
from tests.parts.log import Log
from tests.parts.smtp import MailServer
from tests.web.api import a_token
from tests.web.conftest import token_of
from tests.web.rooms import sign_in

OWNER, OWNER_EMAIL = "Wilhelmina Sleutelbloem", "wilhelmina@sleutelbloem.example"
LISTENER, LISTENER_EMAIL = "Bartholomeus Zonderling", "bartholomeus@zonderling.example"
STRANGER, STRANGER_EMAIL = "Zacharias Onbekend", "zacharias@onbekend.example"
PASSWORD = "correct-hond-batterij-niet"
HOOK_PASSWORD, HOOK_KEY = "postmark-wachtwoord-van-ons", "mailgun-sleutel-van-ons"
FEED_KEY, SECRET_KEY = "ab12" * 16, "geheime-sleutel-van-het-huis-0123456789"
CLIENT = "203.0.113.77"


@dataclass(kw_only=True)
class Crowd:
    """A house where everybody has something to hide, and what that is."""

    house: House
    app: Flask
    account: Account
    listener: Listener
    course: Course
    lesson: Lesson
    public_id: uuid.UUID
    feed_token: str
    api_token: str
    links: Mapping[Purpose, str]
    answers: list[TestResponse] = field(default_factory=list)

    @property
    def secrets(self) -> dict[str, str]:
        """What must stand nowhere, by a name that may."""
        plain = {
            **dict.fromkeys((OWNER, LISTENER, STRANGER), "a name"),
            **{name.split()[1]: "half a name" for name in (OWNER, LISTENER, STRANGER)},
            **dict.fromkeys((OWNER_EMAIL, LISTENER_EMAIL, STRANGER_EMAIL), "an e-mail address"),
            **dict.fromkeys((PASSWORD, HOOK_PASSWORD, HOOK_KEY), "a password"),
            **dict.fromkeys((FEED_KEY, SECRET_KEY, TOKEN), "a key"),
            **{link: f"a link to {purpose}" for purpose, link in self.links.items()},
            self.feed_token: "a feed token",
            self.api_token: "an API token",
            CLIENT: "a network address",
        }
        written = {html.escape(text): what for text, what in plain.items()}
        return plain | written | {quote(text, safe=""): what for text, what in plain.items()}

    def told(self, text: str) -> set[str]:
        """Which kinds of secrets stand in a text."""
        return {what for secret, what in self.secrets.items() if secret in text}

    @property
    def all_of_it(self) -> str:
        """The words of an error that could not be worse."""
        return " ".join(self.secrets)

    def figures(self) -> str:
        cast("Delivery", self.app.wsgi_app).flush()
        return self.app.test_client().get("/metrics", headers=BEARER).text


@pytest.fixture
def crowd(
    environ: dict[str, str], make_watched: MakeWatched, mail_server: MailServer
) -> Iterator[Crowd]:
    made = make_crowd(make_watched({**environ, **house_settings(mail_server)}))
    yield made
    cast("Delivery", made.app.wsgi_app).close()


def house_settings(mail_server: MailServer) -> dict[str, str]:
    """Every door open that a setting opens."""
    return {
        "CADANS_FEED_KEYS": f"1:{FEED_KEY}",
        "CADANS_SECRET_KEYS": SECRET_KEY,
        "CADANS_HOOK_POSTMARK": f"postmark:{HOOK_PASSWORD}",
        "CADANS_HOOK_MAILGUN": HOOK_KEY,
        "CADANS_HOOK_SES": "arn:aws:sns:eu-west-1:123456789012:bounces",
        "CADANS_MAIL": mail_server.url,
    }


def make_crowd(house: House) -> Crowd:
    links = Links(keys=house.settings.secret_keys)
    with house.database.writing() as session:
        account = an_account(session, name=OWNER, email=OWNER_EMAIL)
        account.password_hash = hash_password(PASSWORD)
        course = a_course(session, lessons=2)
        a_membership(session, account, course)
        listener = a_listener(session, name=LISTENER, email=LISTENER_EMAIL)
        subscription = a_subscription(session, course, listener)
        lesson = session.scalars(select(Lesson).where(Lesson.course_id == course.id)).all()[0]
        rows = {Purpose.KEEP: listener.id, Purpose.PASSWORD_RESET: account.id}
        signed = {
            purpose: links.sign(purpose, rows.get(purpose, subscription.id), now=house.clock())
            for purpose in Purpose
        }
        feed_token = token_of(house, session, subscription.id)
    return Crowd(
        house=house,
        app=quiet_app(house),
        account=account,
        listener=listener,
        course=course,
        lesson=lesson,
        public_id=subscription.public_id,
        feed_token=feed_token,
        api_token=a_token(house, account).text,
        links=signed,
    )


def quiet_app(house: House) -> Flask:
    app = create_app(house.settings, house)
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=False)
    return app


def callers(crowd: Crowd) -> dict[str, FlaskClient]:
    """Somebody without a cookie, the owner, and the listener."""
    nobody, owner, listener = (crowd.app.test_client() for _ in range(3))
    sign_in(owner, crowd.account)
    with listener.session_transaction() as cookie:
        entered_at = int(crowd.house.clock().timestamp())
        cookie["listener"] = [crowd.listener.id, None, entered_at + 3600, entered_at, "sign-in"]
    return {"nobody": nobody, "owner": owner, "listener": listener}


def paths(crowd: Crowd, rule: Rule) -> list[str]:
    """The addresses of one route: of things that are there, and of secrets in their place."""
    known: dict[str, Any] = {
        "course_id": crowd.course.id,
        "slug": crowd.course.slug,
        "lesson_id": crowd.lesson.id,
        "public_id": crowd.public_id,
        "turn": "trash" if "lesson_id" in rule.arguments else "open",
        "kind": "welcome",
        "side": "old",
        "extension": "jpg",
        "filename": "cadans.css",
    }
    if "side" in rule.arguments and "slug" in rule.arguments:
        known["side"] = 320
    wanted = [known | {"token": link} for link in crowd.links.values()]
    if "token" not in rule.arguments:
        wanted = [known, known | {"slug": LISTENER_EMAIL, "key": crowd.feed_token}]
    adapter = crowd.app.url_map.bind("localhost")
    found = []
    for values in wanted:
        chosen = {
            name: values.get(name, 1 if name in {"number", "recording_id"} else crowd.feed_token)
            for name in rule.arguments
        }
        found.append(adapter.build(rule.endpoint, chosen, next(iter(rule.methods or {"GET"}))))
    return list(dict.fromkeys(found))


def fields(crowd: Crowd) -> dict[str, str]:
    """What is typed into every form, whichever of it the form asks for."""
    return {
        "name": STRANGER,
        "email": STRANGER_EMAIL,
        "password": PASSWORD,
        "author": OWNER,
        "title": f"Course of {OWNER}",
        "token": crowd.links[Purpose.SIGN_IN],
        "website": "",
        "consent": "yes",
        "zone": "Europe/Amsterdam",
        "language": "nl",
        "to": LISTENER_EMAIL,
        "q": LISTENER,
        "next": f"/my/open/{crowd.links[Purpose.SIGN_IN]}",
        "version": "1",
    }


def headers(crowd: Crowd) -> dict[str, str]:
    """What a browser or app sends along."""
    return {
        "User-Agent": f"App of {LISTENER} <{LISTENER_EMAIL}>",
        "Referer": f"http://localhost/my/open/{crowd.links[Purpose.SIGN_IN]}",
        "From": LISTENER_EMAIL,
        "X-Request-Id": LISTENER_EMAIL,
        "X-Forwarded-For": CLIENT,
        "Authorization": f"Bearer {crowd.api_token}",
    }


def go_everywhere(crowd: Crowd, *, only: Collection[str] | None = None) -> None:
    """Every caller calls every route with every method: first reading, then the rest.

    `only` these endpoints; None: all of them.
    """
    found = sorted(routes(crowd.app), key=lambda each: each[1] != "GET")
    found = [each for each in found if only is None or each[0].endpoint in only]
    for who, client in callers(crowd).items():
        for rule, method in found:
            # What a link opens does not depend on who presses it.
            most = None if who == "nobody" else 2
            for path in paths(crowd, rule)[:most]:
                crowd.answers.append(call(crowd, client, path, method))


def call(crowd: Crowd, client: FlaskClient, path: str, method: str) -> TestResponse:
    is_api = path.startswith(("/api/", "/hooks/"))
    typed = fields(crowd)
    return client.open(
        path,
        method=method,
        headers=headers(crowd),
        query_string=typed if method == "GET" else {"q": LISTENER},
        json=typed if is_api and method != "GET" else None,
        data=None if is_api or method == "GET" else typed,
        environ_base={"REMOTE_ADDR": CLIENT},
        buffered=True,
    )


def go_by_app(crowd: Crowd) -> None:
    """Feeds and audio, by addresses that are good, forged, or nonsense."""
    forged = crowd.feed_token[:-1] + ("a" if crowd.feed_token[-1] != "a" else "b")
    client = crowd.app.test_client()
    for token in (crowd.feed_token, forged, crowd.links[Purpose.SIGN_IN]):
        for path in (
            f"/f/{token}.xml",
            f"/f/{token}",
            f"/a/{token}/{crowd.lesson.public_id}-1.mp3",
        ):
            for method in ("GET", "HEAD", "POST"):
                crowd.answers.append(call(crowd, client, path, method))


def let_jobs_run(crowd: Crowd) -> None:
    for task in TASKS:
        run_task(crowd.house, task, is_stopping=lambda: False)


def assert_nothing_is_told(crowd: Crowd, log: Log) -> None:
    assert crowd.told(log.text) == set(), first_telling(crowd, log.text)
    figures = crowd.figures()
    assert crowd.told(figures) == set(), first_telling(crowd, figures)
    for answer in crowd.answers:
        if is_error_page(answer):
            where = f"{answer.request.method} {answer.request.path}: {answer.status}"
            assert crowd.told(answer.text) == set(), where
        assert crowd.told(answer.headers.get("X-Request-Id", "")) == set()


def is_error_page(answer: TestResponse) -> bool:
    """Whether it only says that something is not so; a form's own page may say what was typed."""
    is_html = answer.content_type.startswith("text/html")
    is_of_a_form = is_html and not re.search("Number of this answer|van dit antwoord", answer.text)
    return answer.status_code >= (500 if is_of_a_form else 400)


def first_telling(crowd: Crowd, text: str) -> str:
    return next((line for line in text.splitlines() if crowd.told(line)), "")


@pytest.mark.slow
def test_every_route_keeps_secrets_out_of_log_figures_and_error_pages(
    crowd: Crowd, json_log: Log
) -> None:
    go_by_app(crowd)
    go_everywhere(crowd)
    let_jobs_run(crowd)

    assert_nothing_is_told(crowd, json_log)
    # Not because nothing happened: every room was entered by somebody, and mail went out.
    assert len(json_log.named("answered")) > 300
    assert {answer.status_code for answer in crowd.answers} >= {200, 303, 304 - 1, 403, 404, 422}


@pytest.mark.slow
def test_a_mistake_in_any_view_tells_nothing_of_what_it_held(crowd: Crowd, json_log: Log) -> None:
    for endpoint, view in crowd.app.view_functions.items():
        if endpoint != "watch.metrics":
            crowd.app.view_functions[endpoint] = breaking(crowd, view)
    go_everywhere(crowd)

    assert_nothing_is_told(crowd, json_log)
    broken = {event["endpoint"] for event in json_log.named("request_failed")}
    reached = {
        rule.endpoint
        for rule, _ in routes(crowd.app)
        if access_of(crowd.app, rule.endpoint) not in {Access.DEMO, Access.DOCTOR, None}
    }
    assert reached - broken <= {"static", "watch.metrics"}


@pytest.mark.slow
def test_a_lost_database_makes_nobody_talk(crowd: Crowd, json_log: Log) -> None:
    crowd.house.database.close()
    path = Path(make_url(crowd.house.settings.database_url).database or "")
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    path.write_bytes(b"This is no database. " * 500)

    go_by_app(crowd)
    go_everywhere(crowd)
    let_jobs_run(crowd)

    assert_nothing_is_told(crowd, json_log)
    assert json_log.named("database_unreachable")
    # A file that is no database is one that is away, not a mistake in a page.
    assert not json_log.named("request_failed")
    assert json_log.named("task_failed")


def test_what_a_mail_server_says_of_somebody_is_not_repeated(
    crowd: Crowd, json_log: Log, mail_server: MailServer, clock: SettableClock
) -> None:
    for answer in (f"550 no {LISTENER} <{LISTENER_EMAIL}> here", f"451 {LISTENER_EMAIL} is busy"):
        mail_server.answer_to[LISTENER_EMAIL] = answer
        put_mail(crowd, answer, clock)
        let_jobs_run(crowd)

    assert_nothing_is_told(crowd, json_log)
    assert 'outcome="refused"' in crowd.figures()


def test_a_mail_that_cannot_be_written_is_told_without_its_words(
    crowd: Crowd, json_log: Log, clock: SettableClock
) -> None:
    class Talkative:
        def line(self) -> MailLine:
            raise RuntimeError(crowd.all_of_it)

    put_mail(crowd, "talk", clock)
    object.__setattr__(crowd.house, "mail", cast("MailTransport", Talkative()))
    let_jobs_run(crowd)

    assert_nothing_is_told(crowd, json_log)
    assert [event["task"] for event in json_log.named("task_failed")] == ["mail"]


def test_the_net_catches_what_is_told(crowd: Crowd, json_log: Log) -> None:
    """The test of the tests: each secret would be found in a log."""
    del json_log
    for secret, what in crowd.secrets.items():
        assert what in crowd.told(json.dumps({"event": f"a line with {secret} in it"}))


def put_mail(crowd: Crowd, name: str, clock: SettableClock) -> None:
    with crowd.house.database.writing() as session:
        notice = outbox.Notice(
            name=name,
            template="sign_in",
            language="nl",
            address=LISTENER_EMAIL,
            listener_id=crowd.listener.id,
        )
        outbox.put(session, notice, host="h", now=clock())


def breaking(crowd: Crowd, view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for the same callers whose mistake says everything."""

    def broken(**_: object) -> None:
        raise RuntimeError(crowd.all_of_it) from KeyError(crowd.all_of_it)

    # How app.web.access and the rooms of owners mark whom a view is for.
    broken.__dict__.update(view.__dict__)
    return broken
