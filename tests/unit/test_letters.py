from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from app.mail.letters import Letter, Postmark, compose
from tests.parts.sample_letters import NOW, TEMPLATES, a_letter

POSTMARK = Postmark(sender="Cadans <post@example.org>", message_id="<1@example.org>", sent_at=NOW)
NASTY = "Kim\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>"
# Where else a letter asks her to go.
ACTS = {"complete": "https://example.org/next", "left": "https://example.org/course"}


def as_received(letter: Letter) -> EmailMessage:
    received = message_from_bytes(compose(letter, POSTMARK).as_bytes(), policy=default)
    assert isinstance(received, EmailMessage)
    return received


@pytest.mark.parametrize("template", TEMPLATES)
def test_mail_has_what_every_mail_must_have(template: str) -> None:
    message = as_received(a_letter(template))
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<https://example.org/u/x>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_words_of_anybody_make_a_header_or_a_recipient(template: str) -> None:
    message = as_received(a_letter(template, NASTY))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["kim@example.org"]
    assert "\n" not in message["Subject"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_words_of_anybody_act_in_the_html_part(template: str) -> None:
    body = as_received(a_letter(template, NASTY)).get_body(("html",))
    assert body is not None
    assert "<script" not in body.get_content()


@pytest.mark.parametrize("template", TEMPLATES)
def test_mail_loads_nothing_from_anywhere(template: str) -> None:
    body = as_received(a_letter(template)).get_body(("html",))
    assert body is not None
    for word in ("<img", "src=", "url(", "<link", "@import"):
        assert word not in body.get_content()


@pytest.mark.parametrize("template", TEMPLATES)
def test_first_lines_of_the_text_are_the_link_to_act(template: str) -> None:
    body = as_received(a_letter(template)).get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines()[2] == ACTS.get(template, "https://example.org/my/open/x")


@pytest.mark.parametrize("template", ["confirm", "sign_in", "welcome", "lesson_unlocked"])
def test_last_line_of_the_text_says_how_to_stop(template: str) -> None:
    body = as_received(a_letter(template)).get_body(("plain",))
    assert body is not None
    assert body.get_content().rstrip().endswith("https://example.org/u/x")


def test_confirm_mail_never_holds_a_name() -> None:
    letter = a_letter("confirm")
    values = dict(letter.values) | {"name": "Buy cheap pills at evil.example"}
    message = compose(
        Letter(template="confirm", language="nl", address="kim@example.org", unsubscribe_url="https://x.example",
               values=values), POSTMARK)  # fmt: skip
    assert b"evil.example" not in message.as_bytes()


def test_domain_is_written_the_way_mail_servers_look_it_up() -> None:
    message = compose(a_letter("confirm", address="kim@Bücher.example"), POSTMARK)
    assert message["To"] == "kim@xn--bcher-kva.example"


def test_dutch_mail_speaks_dutch() -> None:
    message = as_received(a_letter("lesson_unlocked", "De eerste leden", language="nl"))
    assert message["Content-Language"] == "nl"
    assert message["Subject"] == "Les 2 staat voor je klaar: De eerste leden"


def test_unknown_language_falls_back_to_english() -> None:
    message = as_received(a_letter("lesson_unlocked", language="fy"))
    assert message["Subject"] == "Lesson 2 is ready for you: Kim"


def test_owner_line_stands_before_the_last_paragraph_as_her_words() -> None:
    plain = as_received(a_letter("welcome"))
    spoken = as_received(
        replace(
            a_letter("welcome"),
            values={
                **a_letter("welcome").values,
                "owner_line": "Tea is ready <b>&</b> warm.",
                "owner_name": "Ada",
            },
        )
    )

    text = part_of(spoken, "plain")
    assert text.split("\n\n")[-2] == "“Tea is ready <b>&</b> warm.”\nAda"
    assert text.split("\n\n")[-1] == part_of(plain, "plain").split("\n\n")[-1]
    assert "Tea is ready &lt;b&gt;&amp;&lt;/b&gt; warm." in part_of(spoken, "html")


def test_halfway_is_said_in_the_mail_of_the_lesson() -> None:
    halfway = replace(
        a_letter("lesson_unlocked"),
        values={**a_letter("lesson_unlocked").values, "is_halfway": True},
    )

    for kind in ("plain", "html"):
        assert "You are halfway." in part_of(as_received(halfway), kind)
        assert "You are halfway." not in part_of(as_received(a_letter("lesson_unlocked")), kind)


def part_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
