"""What mail providers tell: believed when it is signed, acted on once, never logged."""

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from app import create_app
from app.db.models import Listener, OutboxMail, SoftBounce, Subscription, Suppression
from app.house import House
from app.kinds import SuppressionReason
from app.services import mailing, outbox
from app.settings import Settings
from app.web.bounds import PROVIDER_BYTES
from app.web.hooks import REFUSALS
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.certificates import a_certificate, a_key, pem
from tests.parts.house import MONDAY, SettableClock
from tests.parts.sns import CERTIFICATE, HOST, TOPIC, Sns

BEN = "ben@example.org"
KEY = "key-0123456789abcdef"
PASSWORD = "hook:0123456789abcdef"
PATHS = ("/hooks/mail/ses", "/hooks/mail/postmark", "/hooks/mail/mailgun")


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {
        **environ,
        "CADANS_HOOK_SES": TOPIC,
        "CADANS_HOOK_POSTMARK": PASSWORD,
        "CADANS_HOOK_MAILGUN": KEY,
    }


@pytest.fixture
def app(house: House, sns: Sns) -> Flask:
    return create_app(house.settings, dataclasses.replace(house, fetch=sns.fetcher))


@pytest.fixture
def ben(house: House) -> Subscription:
    with house.database.writing() as session:
        return a_subscription(session, a_course(session), a_listener(session, email=BEN))


def reason(house: House) -> SuppressionReason | None:
    with house.database.reading() as session:
        return session.scalar(select(Suppression.reason).where(Suppression.email_key == BEN))


def echoes(house: House) -> int:
    """How often mail came back for now."""
    with house.database.reading() as session:
        found = select(SoftBounce.count).where(SoftBounce.email_key == BEN)
        return session.scalar(found) or 0


def ses_bounce(kind: str = "Permanent", **mail: Any) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": BEN,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": f"smtp; 550 5.1.1 <{BEN}>... User",
                }
            ],
            "timestamp": "2026-06-01T06:00:05.237Z",
        },
        "mail": {"timestamp": "2026-06-01T06:00:00.000Z", "messageId": "x", **mail},
    }


def ses_complaint(kind: str | None = "abuse") -> dict[str, Any]:
    return {
        "notificationType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": BEN}],
            "complaintFeedbackType": kind,
            "timestamp": "2026-06-01T06:00:05.237Z",
        },
        "mail": {"timestamp": "2026-06-01T06:00:00.000Z"},
    }


def mailgun(
    event: dict[str, Any], *, at: int | None = None, token: str = "t" * 50
) -> dict[str, Any]:
    stamp = str(at if at is not None else int(MONDAY.timestamp()))
    signature = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"token": token, "timestamp": stamp, "signature": signature},
        "event-data": event,
    }


def mailgun_failure(**more: Any) -> dict[str, Any]:
    return {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "recipient": BEN,
        "timestamp": MONDAY.timestamp(),
        "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": f"no {BEN}"},
        "message": {"headers": {"message-id": "abc@h"}},
        **more,
    }


def postmark(kind: str = "HardBounce", record: str = "Bounce", **more: Any) -> dict[str, Any]:
    return {
        "RecordType": record,
        "Type": kind,
        "Email": BEN,
        "Details": "smtp;550 5.1.1 unknown",
        "BouncedAt": "2026-06-01T06:00:00.2735393Z",
        **more,
    }


def post_sns(client: FlaskClient, message: object) -> TestResponse:
    # SNS calls its JSON text/plain.
    return client.post("/hooks/mail/ses", data=json.dumps(message), content_type="text/plain")


def post_postmark(client: FlaskClient, event: object, password: str = PASSWORD) -> TestResponse:
    basic = base64.b64encode(password.encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return client.post("/hooks/mail/postmark", json=event, headers=headers)


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("version", ["1", "2"])
def test_ses_bounce_that_is_signed_stops_mail(
    house: House, client: FlaskClient, sns: Sns, version: str
) -> None:
    assert post_sns(client, sns.message(ses_bounce(), version=version)).status_code == 200
    assert reason(house) is SuppressionReason.HARD_BOUNCE
    assert sns.fetched == [CERTIFICATE]


@pytest.mark.usefixtures("ben")
def test_ses_complaint_stops_mail(house: House, client: FlaskClient, sns: Sns) -> None:
    post_sns(client, sns.message(ses_complaint(), Subject="Amazon SES"))
    assert reason(house) is SuppressionReason.COMPLAINT


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("kind", "count"),
    [("MailboxFull", 1), ("MessageTooLarge", 1), ("ContentRejected", 1), ("General", 0)],
)
def test_ses_bounce_that_passes_stops_nothing_and_is_shown(
    house: House, client: FlaskClient, sns: Sns, kind: str, count: int
) -> None:
    content = ses_bounce("Transient")
    content["bounce"]["bounceSubType"] = kind
    assert post_sns(client, sns.message(content)).status_code == 200
    assert reason(house) is None
    assert echoes(house) == count


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    "content",
    [
        ses_bounce("Transient"),
        ses_complaint("not-spam"),
        {"notificationType": "Delivery"},
        {"eventType": "Something new", "bounce": []},
        {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent"}},
    ],
)
def test_ses_news_of_another_kind_does_nothing(
    house: House, client: FlaskClient, sns: Sns, content: object
) -> None:
    assert post_sns(client, sns.message(content)).status_code == 200
    assert reason(house) is None


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    "change",
    [
        {"Signature": "AAAA"},
        {"Signature": ""},
        {"SignatureVersion": "3"},
        {"Message": json.dumps(ses_complaint())},
        {"TopicArn": f"{TOPIC}-other"},
        {"SigningCertURL": "https://s3.amazonaws.com/eve/SimpleNotificationService-abc123.pem"},
        {"SigningCertURL": f"https://{HOST}.eve.example/SimpleNotificationService-abc123.pem"},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SigningCertURL": f"https://eve@{HOST}/SimpleNotificationService-abc123.pem"},
        {"SigningCertURL": f"https://{HOST}/other.pem"},
        {"SigningCertURL": f"https://{HOST}/SimpleNotificationService-gone.pem"},
    ],
)
def test_ses_message_that_is_not_signed_by_amazon_is_refused(
    house: House, client: FlaskClient, sns: Sns, change: dict[str, str]
) -> None:
    response = post_sns(client, sns.message(ses_bounce()) | change)
    assert response.status_code == 403
    assert response.text.count("\n") == 1
    assert reason(house) is None


def test_certificate_is_asked_for_at_amazon_only(client: FlaskClient, sns: Sns) -> None:
    elsewhere = {"SigningCertURL": "https://eve.example/SimpleNotificationService-abc123.pem"}
    post_sns(client, sns.message(ses_bounce()) | elsewhere)
    assert sns.fetched == []


@pytest.mark.usefixtures("ben")
def test_certificate_that_is_over_signs_nothing(
    house: House, client: FlaskClient, sns: Sns
) -> None:
    old = a_certificate(sns.key, name=HOST, since=MONDAY - timedelta(days=731))
    sns.files["/SimpleNotificationService-abc123.pem"] = pem(old)
    assert post_sns(client, sns.message(ses_bounce())).status_code == 403
    assert reason(house) is None


def test_certificate_from_a_server_that_nobody_vouches_for_signs_nothing(
    house: House, sns: Sns
) -> None:
    doubting = dataclasses.replace(sns.fetcher, context=None)
    app = create_app(house.settings, dataclasses.replace(house, fetch=doubting))
    assert post_sns(app.test_client(), sns.message(ses_bounce())).status_code == 403
    assert sns.fetched == []


def test_key_of_eve_signs_nothing(client: FlaskClient, sns: Sns) -> None:
    sns.key = a_key()
    assert post_sns(client, sns.message(ses_bounce())).status_code == 403


def test_topic_is_confirmed_at_its_own_address(client: FlaskClient, sns: Sns) -> None:
    sns.files["/"] = b"<ConfirmSubscriptionResponse/>"
    url = f"https://{HOST}/?Action=ConfirmSubscription&Token=abc"
    message = sns.message("hello", Type="SubscriptionConfirmation", SubscribeURL=url, Token="abc")
    response = post_sns(client, message)
    assert response.text == "confirmed\n"
    assert sns.fetched[-1] == url


def test_topic_with_an_address_elsewhere_is_not_visited_and_the_operator_hears(
    client: FlaskClient, sns: Sns
) -> None:
    url = "https://eve.example/?Action=ConfirmSubscription"
    message = sns.message("hello", Type="SubscriptionConfirmation", SubscribeURL=url, Token="abc")
    with capture_logs() as events:
        response = post_sns(client, message)
    # 502 would say that it was tried.
    assert (response.status_code, response.text) == (200, "not confirmed\n")
    assert sns.fetched == [CERTIFICATE]
    assert "ses_topic_not_confirmed" in str(events)


@pytest.mark.usefixtures("ben")
def test_late_bounce_by_ses_of_a_mail_from_before_she_confirmed_does_nothing(
    house: House, client: FlaskClient, sns: Sns
) -> None:
    with house.database.writing() as session:
        session.scalars(select(Listener)).one().mail_works_since = MONDAY + timedelta(seconds=1)
    post_sns(client, sns.message(ses_bounce()))
    assert reason(house) is None


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (mailgun_failure(), SuppressionReason.HARD_BOUNCE),
        (mailgun_failure(severity="temporary"), None),
        (mailgun_failure(reason="old"), None),
        (mailgun_failure(**{"delivery-status": {"enhanced-code": "5.7.1"}}), None),
        ({"event": "complained", "recipient": BEN}, SuppressionReason.COMPLAINT),
        ({"event": "unsubscribed", "recipient": BEN}, SuppressionReason.ASKED),
        ({"event": "opened", "recipient": BEN}, None),
        ({}, None),
    ],
)
def test_mailgun_event_that_is_signed_is_acted_on(
    house: House, client: FlaskClient, event: dict[str, Any], wanted: SuppressionReason | None
) -> None:
    response = client.post("/hooks/mail/mailgun", json=mailgun(event))
    assert response.status_code == 200
    assert reason(house) is wanted


@pytest.mark.usefixtures("ben")
def test_mailgun_message_counts_once(
    house: House, client: FlaskClient, clock: SettableClock
) -> None:
    body = mailgun(mailgun_failure())
    client.post("/hooks/mail/mailgun", json=body)
    with house.database.writing() as session:
        session.delete(session.scalars(select(Suppression)).one())
    assert client.post("/hooks/mail/mailgun", json=body).text == "known\n"
    assert reason(house) is None
    clock.advance(timedelta(hours=8))
    mailing.forget_old(house)
    assert client.post("/hooks/mail/mailgun", json=body).text == "known\n"


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("hours", [9.01, -0.2], ids=["too long ago", "in the future"])
def test_mailgun_message_of_another_time_is_refused(
    house: House, client: FlaskClient, hours: float
) -> None:
    body = mailgun(mailgun_failure(), at=int(MONDAY.timestamp() - hours * 3600))
    assert client.post("/hooks/mail/mailgun", json=body).status_code == 403
    assert reason(house) is None


@pytest.mark.parametrize("name", ["token", "timestamp", "signature"])
def test_mailgun_message_that_was_changed_is_refused(client: FlaskClient, name: str) -> None:
    body = mailgun(mailgun_failure())
    body["signature"][name] = "1" * 50
    assert client.post("/hooks/mail/mailgun", json=body).status_code == 403


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (postmark(), SuppressionReason.HARD_BOUNCE),
        (postmark("BadEmailAddress"), SuppressionReason.HARD_BOUNCE),
        (postmark("SpamComplaint"), SuppressionReason.COMPLAINT),
        (postmark("SpamComplaint", "SpamComplaint"), SuppressionReason.COMPLAINT),
        (postmark("SoftBounce"), None),
        (postmark("AutoResponder"), None),
        (postmark("", "Delivery"), None),
        (
            {
                "RecordType": "SubscriptionChange",
                "Recipient": BEN,
                "Origin": "Recipient",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
            },
            SuppressionReason.ASKED,
        ),
    ],
)
def test_postmark_event_with_the_password_is_acted_on(
    house: House, client: FlaskClient, event: dict[str, Any], wanted: SuppressionReason | None
) -> None:
    assert post_postmark(client, event).status_code == 200
    assert reason(house) is wanted


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("password", ["hook:wrong", "eve:0123456789abcdef", "hook", "é:ü"])
def test_postmark_event_with_a_wrong_password_is_refused(
    house: House, client: FlaskClient, password: str
) -> None:
    assert post_postmark(client, postmark(), password).status_code == 403
    assert reason(house) is None


@pytest.mark.parametrize("path", PATHS)
def test_message_without_any_signature_is_refused_in_one_line(
    client: FlaskClient, path: str
) -> None:
    response = client.post(path, json={"Type": "Notification", "event-data": mailgun_failure()})
    assert response.status_code == 403
    assert response.text.count("\n") == 1
    assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b'"x"', b"{"])
def test_message_that_is_no_message_is_refused_in_one_line(
    client: FlaskClient, path: str, data: bytes
) -> None:
    response = client.post(path, data=data)
    assert response.status_code in {400, 403}
    assert response.text.count("\n") == 1


@pytest.mark.parametrize("path", PATHS[::2])
def test_message_that_is_too_long_is_not_read(client: FlaskClient, path: str) -> None:
    assert client.post(path, data=b" " * (PROVIDER_BYTES + 1)).status_code == 413


def test_signed_event_of_a_strange_shape_does_nothing(client: FlaskClient) -> None:
    odd = {"event": ["failed"], "recipient": {"a": 1}, "message": [], "timestamp": "soon"}
    assert client.post("/hooks/mail/mailgun", json=mailgun(odd)).status_code == 200
    assert post_postmark(client, {"RecordType": "Bounce", "Type": "HardBounce"}).status_code == 200


def test_hooks_without_their_setting_are_not_there(
    environ: dict[str, str], make_house: Any
) -> None:
    closed = {name: text for name, text in environ.items() if "HOOK" not in name}
    house = make_house(Settings.from_env(closed))
    client = create_app(house.settings, house).test_client()
    for path in PATHS:
        assert client.post(path, json={}).status_code == 404


@pytest.mark.usefixtures("ben")
def test_no_address_is_ever_logged(
    client: FlaskClient, sns: Sns, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as events:
        post_sns(client, sns.message(ses_bounce()))
        client.post("/hooks/mail/mailgun", json=mailgun(mailgun_failure()))
        client.post("/hooks/mail/mailgun", json=mailgun(mailgun_failure(), at=1))
        post_postmark(client, postmark(), "hook:wrong")
    said = capsys.readouterr()
    words = said.out + said.err + str(events)
    assert "mail_came_back" in words
    assert "hook_refused" in words
    assert "ben" not in words


def test_address_of_others_that_use_the_same_provider_is_not_kept(
    house: House, client: FlaskClient, sns: Sns
) -> None:
    post_sns(client, sns.message(ses_bounce()))
    assert reason(house) is None


def test_mailgun_names_the_mail_and_the_address_that_it_went_to_is_meant(
    house: House, client: FlaskClient, ben: Subscription
) -> None:
    with house.database.writing() as session:
        notice = outbox.Notice(
            name="news", template="welcome", language="nl", address=BEN, subscription_id=ben.id
        )
        outbox.put(session, notice, host="h", now=MONDAY)
    mailing.send_due(house)
    with house.database.reading() as session:
        message_id = session.scalars(select(OutboxMail.message_id)).one()
    event = mailgun_failure(
        recipient="forward@elsewhere.example",
        message={"headers": {"message-id": message_id.strip("<>")}},
    )
    client.post("/hooks/mail/mailgun", json=mailgun(event))
    assert reason(house) is SuppressionReason.HARD_BOUNCE


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("kind", "count"),
    [("SoftBounce", 1), ("DnsError", 1), ("Blocked", 1), ("Transient", 0), ("AutoResponder", 0)],
)
def test_postmark_bounce_that_passes_stops_nothing_and_is_shown(
    house: House, client: FlaskClient, kind: str, count: int
) -> None:
    post_postmark(client, postmark(kind))
    assert reason(house) is None
    assert echoes(house) == count


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        {"signature": {"token": "\ud800", "timestamp": "\ud800", "signature": "\ud800"}},
        {"TopicArn": TOPIC, "SignatureVersion": "1", "SigningCertURL": CERTIFICATE, "x": "\ud800"},
        {"TopicArn": [TOPIC], "Type": {}},
        {"signature": {"token": 10**4000}},
    ],
    ids=["half a pair", "half a field", "lists", "number"],
)
def test_message_of_a_strange_shape_is_refused_in_one_line(
    client: FlaskClient, path: str, body: dict[str, Any]
) -> None:
    answer = client.post(path, data=json.dumps(body))

    assert (answer.status_code, answer.text.count("\n")) == (403, 1)


def test_report_with_signs_that_no_table_keeps_is_taken(
    client: FlaskClient, house: House, ben: Subscription
) -> None:
    del ben
    event = mailgun_failure(recipient=f"{BEN}\0\ud800")

    assert client.post("/hooks/mail/mailgun", data=json.dumps(mailgun(event))).status_code == 200
    assert reason(house) is None


def test_certificates_are_not_fetched_for_a_stranger_without_end(
    client: FlaskClient, sns: Sns, clock: SettableClock
) -> None:
    def send(number: int) -> int:
        url = f"https://{HOST}/SimpleNotificationService-{number}.pem"
        return client.post("/hooks/mail/ses", json=sns.message("x", SigningCertURL=url)).status_code

    answers = [send(number) for number in range(REFUSALS.times + 2)]

    assert answers == [403] * REFUSALS.times + [429, 429]
    assert len(sns.fetched) == REFUSALS.times
    clock.advance(REFUSALS.window)
    assert send(1000) == 403


def test_password_of_postmark_is_not_guessed_without_end(client: FlaskClient) -> None:
    def send(password: str) -> int:
        return client.post("/hooks/mail/postmark", json={}, auth=("hook", password)).status_code

    assert [send("x") for _ in range(REFUSALS.times)] == [403] * REFUSALS.times
    assert send(PASSWORD.partition(":")[2]) == 429


def test_topic_of_a_stranger_does_not_silence_ours(
    client: FlaskClient, house: House, sns: Sns, ben: Subscription
) -> None:
    del ben
    for _ in range(REFUSALS.times + 1):
        client.post("/hooks/mail/ses", json=sns.message("x", TopicArn=f"{TOPIC}-of-eve"))

    assert client.post("/hooks/mail/ses", json=sns.message(ses_bounce())).status_code == 200
    assert reason(house) is SuppressionReason.HARD_BOUNCE
