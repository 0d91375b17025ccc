"""Reports as mail servers write them, and mails that are none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reports import MAX_REPORT_BYTES, Kind, codes_of, kind_of_status, read_report
from app.mail.returns import envelope_sender, mark_of
from tests.parts.returned import a_bounce, a_complaint, an_auto_reply

MARK = "0123456789abcdef0123456789abcdef"
MESSAGE_ID = f"<{MARK}@courses.example.org>"
NO_FIELDS = (
    b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nStatus 5.1.1\r\n--x--"
)
VERP = "bounces+*@example.org"


def test_hard_bounce_names_the_mail_the_recipient_and_the_codes() -> None:
    (report,) = read_report(a_bounce(message_id=MESSAGE_ID))
    assert report.kind is Kind.HARD
    assert report.message_id == MESSAGE_ID
    assert report.recipient == "ben@example.org"
    assert report.diagnostic == "550 5.1.1"


def test_bounce_with_the_headers_alone_names_the_mail_too() -> None:
    (report,) = read_report(a_bounce(message_id=MESSAGE_ID, headers_only=True))
    assert report.message_id == MESSAGE_ID


def test_diagnostic_holds_no_address_and_no_words() -> None:
    said = "smtp; 550 5.1.1 <ben@example.org>: Ben has left"
    assert codes_of(said) == "550 5.1.1"
    assert codes_of("no such user") is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", Kind.HARD),
        ("5.1.10", Kind.HARD),
        ("5.2.1", Kind.HARD),
        ("5.4.4", Kind.HARD),
        ("5.0.0", Kind.HARD),
        ("5.2.2", Kind.SOFT),
        ("5.1.8", Kind.SOFT),
        ("5.3.4", Kind.SOFT),
        ("5.7.1", Kind.SOFT),
        ("5.7.26", Kind.SOFT),
        ("4.4.7", Kind.SOFT),
        ("", Kind.SOFT),
        (None, Kind.SOFT),
    ],
)
def test_only_what_is_permanent_and_about_her_is_hard(status: str | None, kind: Kind) -> None:
    assert kind_of_status(status) is kind


def test_mail_that_is_still_tried_is_delayed() -> None:
    (report,) = read_report(a_bounce(action="delayed", status="4.4.1", diagnostic="smtp; 451"))
    assert report.kind is Kind.DELAYED


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", ""])
def test_good_news_is_no_report_of_trouble(action: str) -> None:
    assert read_report(a_bounce(action=action)) == []


def test_complaint_names_the_mail_and_when() -> None:
    (report,) = read_report(a_complaint(message_id=MESSAGE_ID))
    assert report.kind is Kind.COMPLAINT
    assert report.message_id == MESSAGE_ID
    assert report.happened_at == datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


def test_not_spam_is_no_complaint() -> None:
    assert read_report(a_complaint(kind="not-spam")) == []


def test_answer_of_a_machine_is_no_report() -> None:
    assert read_report(an_auto_reply(MESSAGE_ID)) == []


def test_mail_is_known_by_the_address_it_came_back_to() -> None:
    raw = a_bounce(to=f"<bounces+{MARK}@example.org>")
    (report,) = read_report(raw, bounce_address=VERP)
    assert report.mark == MARK


def test_envelope_sender_carries_the_mark_where_there_is_room_for_it() -> None:
    assert envelope_sender(VERP, MESSAGE_ID) == f"bounces+{MARK}@example.org"
    assert envelope_sender("bounces@example.org", MESSAGE_ID) == "bounces@example.org"
    assert envelope_sender(None, MESSAGE_ID) is None
    assert mark_of("bounces@example.org", f"bounces+{MARK}@example.org") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"Content-Type: multipart/report\r\n\r\nno parts at all",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\n--x--",
        NO_FIELDS,
        a_bounce().replace(b"us-ascii", b"klingon"),
        a_bounce().replace(
            b"ben@example.org", "bén\udcff@example.org".encode("utf-8", "surrogateescape")
        ),
        b"".join(
            b"Content-Type: multipart/report; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(3000)
        ),
    ],
    ids=["empty", "zeros", "no parts", "empty part", "no fields", "charset", "letters", "nested"],
)
def test_hostile_mail_breaks_nothing(raw: bytes) -> None:
    for report in read_report(raw, bounce_address=VERP):
        assert report.kind in Kind


def test_report_from_beyond_all_calendars_is_read_without_its_date() -> None:
    raw = a_complaint().replace(b"Mon, 01 Jun 2026 10:00:00 +0200", b"31 Dec 9999 23:59:59 -2359")
    assert [report.happened_at for report in read_report(raw)] == [None]


def test_sign_that_no_table_keeps_is_left_out() -> None:
    raw = a_bounce().replace(b"rfc822; ben@example.org", b"rfc822; b\0en@example.org")
    raw = raw.replace(b"rfc822;ben@example.org", b"rfc822;b\0en@example.org")
    assert [report.recipient for report in read_report(raw)] == ["ben@example.org"]


def test_mail_larger_than_any_report_is_not_read() -> None:
    assert read_report(a_bounce() + b"x" * MAX_REPORT_BYTES) == []


@given(cut=st.integers(0, 1500), flip=st.integers(0, 1500), byte=st.integers(0, 255))
def test_damaged_report_breaks_nothing(cut: int, flip: int, byte: int) -> None:
    raw = bytearray(a_bounce(message_id=MESSAGE_ID))
    raw[flip % len(raw)] = byte
    found = read_report(bytes(raw[: len(raw) - cut]), bounce_address=VERP)
    assert len(found) <= 1


def test_report_about_a_thousand_recipients_is_cut_short() -> None:
    one = b"\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    raw = a_bounce().replace(b"Remote-MTA: dns; mx.example.org\r\n", one * 1000)
    assert len(read_report(raw)) <= 20
