"""Pages, forms and hooks: whoever sends whatever, nothing breaks on our side, on both databases."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from werkzeug.routing import Rule

from app import create_app
from app.house import House
from app.policy import Access
from app.services.links import Links, Purpose
from app.web import floods
from app.web.access import access_of
from tests.builders import a_subscription
from tests.fuzz.effort import JSON, TEXTS, fuzzed
from tests.parts.house import environ_on
from tests.parts.sns import TOPIC
from tests.web.api import a_token
from tests.web.rooms import rooms_of

FIELDS = (
    "name", "email", "zone", "website", "password", "next", "back_to", "title", "author", "slug",
    "story", "summary", "language", "version", "rhythm", "every_days", "weekday", "hour", "until",
    "action", "answer", "direction", "place-1", "wanted", "lesson", "position_ms", "age_ms",
    "is_at_end", "notes", "release_on", "release_at", "target", "tolerance", "category",
    "visibility", "kind", "line", "nl", "en", "leak_response",
)  # fmt: skip
FORMS = st.dictionaries(st.sampled_from(FIELDS) | TEXTS, TEXTS, max_size=6)
QUERIES = st.dictionaries(
    st.sampled_from(("lang", "next", "to", "in", "day", "before", "until", "rhythm")), TEXTS,
    max_size=3,
)  # fmt: skip
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
        for name in (
            "Accept-Language", "Cookie", "Authorization", "Range", "If-None-Match", "User-Agent",
            "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Referer", "Origin",
        )
    },
)  # fmt: skip
KEY = "key-0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Besieged:
    """A house with somebody in every room, and what stands in its addresses."""

    app: Flask
    client: FlaskClient
    token: str
    known: dict[str, list[object]]

    def address(self, data: st.DataObject, rule: Rule) -> str:
        """An address of this rule: true values, or anything that a browser can send."""

        def value(found: re.Match[str]) -> str:
            true = st.sampled_from([str(each) for each in self.known.get(found[1], [1])])
            return data.draw(true | true | TEXTS, found[1])

        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", value, rule.rule)
        # As a WSGI server hands it on: its bytes as letters of Latin-1.
        return path.encode().decode("latin-1")


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_HOOK_SES": TOPIC,
        "CADANS_HOOK_POSTMARK": "hook:0123456789abcdef",
        "CADANS_HOOK_MAILGUN": KEY,
    }


@pytest.fixture
def besieged(app: Flask, house: House, monkeypatch: pytest.MonkeyPatch) -> Besieged:
    monkeypatch.setattr(floods, "limit_of", lambda *_: None)
    rooms = rooms_of(app, house)
    with house.database.writing() as session:
        subscription = a_subscription(session, rooms.course)
    with rooms.client.session_transaction() as cookie:
        at = int(house.clock().timestamp())
        cookie["listener"] = [subscription.listener_id, None, at + 9999, at, "sign-in"]
    links = Links(keys=house.settings.secret_keys)
    known: dict[str, list[object]] = {
        "course_id": [rooms.course.id],
        "slug": [rooms.course.slug],
        "public_id": [subscription.public_id],
        "token": [links.sign(each, subscription.id, now=house.clock()) for each in Purpose],
        "lesson_id": [1, 2, 3, 4],
        "kind": ["welcome", "paused"],
        "turn": ["open", "close", "publish", "trash"],
        "side": ["old", "new"],
        "extension": ["jpg", "png"],
        "filename": ["cadans.css"],
    }
    token = a_token(house, rooms.account).text
    return Besieged(app=app, client=rooms.client, token=token, known=known)


@fuzzed(200)
@given(data=st.data())
def test_no_page_breaks_on_what_is_sent_to_it(besieged: Besieged, data: st.DataObject) -> None:
    rules = sorted(besieged.app.url_map.iter_rules(), key=str)
    rule = data.draw(st.sampled_from(rules), "rule")
    method = data.draw(st.sampled_from(sorted(rule.methods or {"GET"})), "method")
    headers = data.draw(HEADERS, "headers")
    if access_of(besieged.app, rule.endpoint) is Access.SCRIPT:
        headers["Authorization"] = f"Bearer {besieged.token}"
    body: dict[str, Any] = data.draw(
        st.one_of(
            FORMS.map(lambda form: {"data": form}),
            JSON.map(lambda found: {"data": json.dumps(found), "content_type": "application/json"}),
            st.binary(max_size=60).map(
                lambda found: {"data": found, "content_type": "multipart/form-data; boundary=x"}
            ),
        ),
        "body",
    )
    with capture_logs() as logs:
        answer = besieged.client.open(
            environ_overrides={"PATH_INFO": besieged.address(data, rule)},
            method=method,
            buffered=True,
            query_string=data.draw(QUERIES, "query"),
            headers=headers,
            **body,
        )
    assert answer.status_code < 500, [log.get("exc_info") for log in logs]
    assert answer.headers.get("Location", "/")[:2] != "//"


@fuzzed(80)
@given(found=JSON, provider=st.sampled_from(["ses", "postmark", "mailgun"]), text=TEXTS)
def test_no_hook_breaks_on_what_is_told_to_it(
    besieged: Besieged, found: object, provider: str, text: str
) -> None:
    told = {
        "TopicArn": TOPIC,
        "Type": text,
        "SigningCertURL": f"https://sns.eu-west-1.amazonaws.com/{text}",
        "signature": found,
        "event-data": found,
        "RecordType": "Bounce",
        "Type ": "HardBounce",
        "Email": text,
        "BouncedAt": found,
        "Details": found,
    }
    answer = besieged.client.post(
        f"/hooks/mail/{provider}", json=told, auth=("hook", "0123456789abcdef")
    )
    assert answer.status_code in {200, 403, 429}


def test_the_siege_is_of_the_whole_house(besieged: Besieged, house: House) -> None:
    everywhere = {rule.endpoint for rule in create_app(house.settings, house).url_map.iter_rules()}
    assert {rule.endpoint for rule in besieged.app.url_map.iter_rules()} == everywhere
