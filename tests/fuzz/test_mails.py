"""Mail that comes back: read without a fault, and what was read can be kept."""

from hypothesis import given
from hypothesis import strategies as st

from app.mail.reports import MAX_LINE_CHARS, read_report
from tests.fuzz.effort import TEXTS, fuzzed, spoilt
from tests.parts.returned import a_bounce, a_complaint

VERP = "bounces+*@example.org"
GOOD = (
    a_bounce(message_id=f"<{'0a' * 16}@example.org>"),
    a_bounce(headers_only=True),
    a_complaint(),
)
FIELDS = (
    "Action", "Status", "Final-Recipient", "Original-Recipient", "Last-Attempt-Date",
    "Diagnostic-Code", "Feedback-Type", "Arrival-Date", "Original-Rcpt-To", "Content-Type",
    "Content-Transfer-Encoding", "Message-ID", "To", "Return-Path",
)  # fmt: skip
WORDS = TEXTS | st.sampled_from(
    [
        "failed", "5.1.1", "abuse", "rfc822; ben@example.org", "rfc822;\0@\udcff",
        "Mon, 01 Jan 0001 00:00:00 +2359", "31 Dec 9999 23:59:59 -2359", "base64", "x-uuencode",
        "multipart/report; boundary=x", "message/rfc822", "message/delivery-status",
        "=?utf-8?b?AA==?=", "=?klingon?q?=00?=", 'text/plain; charset="idna"',
    ]
)  # fmt: skip
fields = st.lists(st.tuples(st.sampled_from(FIELDS), WORDS), max_size=8).map(
    lambda drawn: "\r\n".join(f"{name}: {words}" for name, words in drawn).encode(
        "utf-8", "surrogateescape"
    )
)


def a_report(parts: list[tuple[str, bytes]]) -> bytes:
    inside = b"".join(
        b"--x\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + content + b"\r\n"
        for kind, content in parts
    )
    return b'Content-Type: multipart/report; boundary="x"\r\n\r\n' + inside + b"--x--\r\n"


KINDS = st.sampled_from(
    ["message/delivery-status", "message/feedback-report", "message/rfc822", "text/rfc822-headers"]
)
BLOCKS = st.lists(fields, min_size=1, max_size=3).map(b"\r\n\r\n".join)


@fuzzed(150)
@given(raw=st.sampled_from(GOOD).flatmap(spoilt))
def test_spoilt_report_is_read(raw: bytes) -> None:
    read(raw)


@fuzzed(150)
@given(parts=st.lists(st.tuples(KINDS, BLOCKS), max_size=3))
def test_strange_report_is_read(parts: list[tuple[str, bytes]]) -> None:
    read(a_report(parts))


def read(raw: bytes) -> None:
    for report in read_report(raw, bounce_address=VERP):
        for text in (report.recipient, report.message_id, report.mark, report.diagnostic):
            assert text is None or (len(text) <= MAX_LINE_CHARS and "\0" not in text)
            assert text is None or text.encode()
