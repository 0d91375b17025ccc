"""The doctor on the sender's domain, against a real name server."""

import base64
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.cli import cadans
from app.doctor.mail import MailSetup, check_mail, domain_of
from app.doctor.names import DnsAddressInvalid, Names, parse_server
from app.doctor.report import Check, Grade
from tests.parts.dns import NameServer

DOMAIN = "example.org"
HOST = "mail.example.org"
Look = Callable[..., dict[str, Check]]


def dkim_key(bits: int) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode()


@pytest.fixture
def healthy(name_server: NameServer) -> NameServer:
    """A domain on which there is nothing to find fault with."""
    name_server.txt(DOMAIN, "some-site-verification=1", f"v=spf1 a:{HOST} -all")
    name_server.txt(f"s1._domainkey.{DOMAIN}", f"v=DKIM1; k=rsa; p={dkim_key(2048)}")
    name_server.txt(f"_dmarc.{DOMAIN}", f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{DOMAIN}")
    name_server.put(DOMAIN, "MX", f"10 {HOST}.")
    name_server.put(HOST, "A", "192.0.2.7")
    return name_server


@pytest.fixture
def look(healthy: NameServer) -> Look:
    def look(**more: str | bool | None) -> dict[str, Check]:
        setup = {
            "mail_from": f"Cadans <cadans@{DOMAIN}>",
            "bounce_address": None,
            "smtp_host": HOST,
            "dkim_selector": "s1",
            "is_read": True,
        }
        found = check_mail(Names(healthy.address), MailSetup(**(setup | more)))  # type: ignore[arg-type]  # (fields of one builder)
        return {check.code: check for check in found}

    return look


def test_healthy_domain_is_found_healthy(look: Look) -> None:
    assert {code: check.grade for code, check in look().items()} == dict.fromkeys(
        ("spf", "spf_lookups", "spf_all", "spf_host", "dkim", "dmarc", "dmarc_alignment", "mx",
         "bounces"), Grade.OK,
    )  # fmt: skip


def test_domain_without_anything_hears_what_to_publish(look: Look, healthy: NameServer) -> None:
    healthy.records.clear()
    found = look()
    assert found["spf"].grade is Grade.FAIL
    assert f'{DOMAIN}. TXT "v=spf1 a:{HOST} ~all"' in found["spf"].remedy
    assert found["dkim"].grade is Grade.FAIL
    assert f"s1._domainkey.{DOMAIN}. TXT" in found["dkim"].remedy
    assert found["dmarc"].grade is Grade.WARN
    assert f'_dmarc.{DOMAIN}. TXT "v=DMARC1; p=none' in found["dmarc"].remedy
    assert found["mx"].grade is Grade.FAIL
    assert f"{DOMAIN}. MX 10" in found["mx"].remedy


def test_everything_that_is_wrong_has_a_remedy(look: Look, healthy: NameServer) -> None:
    healthy.records.clear()
    for check in look(dkim_selector=None, is_read=False).values():
        assert check.remedy, check.code


def test_two_spf_records_are_none(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, "v=spf1 -all", "v=spf1 a -all")
    assert look()["spf"].grade is Grade.FAIL


def test_record_that_only_begins_like_spf_is_none(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, "v=spf10 -all")
    assert look()["spf"].grade is Grade.FAIL


@pytest.mark.parametrize(("includes", "grade"), [(9, Grade.OK), (10, Grade.FAIL)])
def test_spf_may_ask_ten_names(
    look: Look, healthy: NameServer, includes: int, grade: Grade
) -> None:
    parts = " ".join(f"include:i{number}.example" for number in range(includes))
    for number in range(includes):
        healthy.txt(f"i{number}.example", "v=spf1 ip4:198.51.100.1 -all")
    healthy.txt(DOMAIN, f"v=spf1 a:{HOST} {parts} -all")
    assert look()["spf_lookups"].grade is grade


@pytest.mark.parametrize(
    ("parts", "grade"),
    [
        ("a:gone1.example", Grade.WARN),
        ("a:gone1.example mx:gone2.example", Grade.WARN),
        ("a:gone1.example mx:gone2.example -exists:gone3.example", Grade.FAIL),
        ("a:gone1.example a:gone2.example include:i.example", Grade.FAIL),
        ("mx:m.example", Grade.FAIL),
    ],
)
def test_spf_may_ask_two_names_that_lead_nowhere(
    look: Look, healthy: NameServer, parts: str, grade: Grade
) -> None:
    healthy.txt("i.example", "v=spf1 ?a:gone3.example -all")
    healthy.put("m.example", "MX", "1 gone1.example.", "2 gone2.example.", "3 gone3.example.")
    healthy.txt(DOMAIN, f"v=spf1 a:{HOST} {parts} -all")
    check = look()["spf_void"]
    assert check.grade is grade
    assert "gone1.example" in check.message


def test_name_that_answers_for_one_kind_of_address_leads_somewhere(
    look: Look, healthy: NameServer
) -> None:
    healthy.put("six.example", "AAAA", "2001:db8::1")
    healthy.txt(DOMAIN, f"v=spf1 a:{HOST} a:six.example exists:%{{i}}.x.example ptr -all")
    assert "spf_void" not in look()


def test_part_with_a_no_before_it_lets_nobody_send(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, f"v=spf1 -a:{HOST} ~all")
    assert look()["spf_host"].grade is Grade.NOTE


def test_spf_records_that_include_each_other_end(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, "v=spf1 include:other.example include:other.example -all")
    healthy.txt("other.example", f"v=spf1 include:{DOMAIN} include:{DOMAIN} -all")
    assert look()["spf_lookups"].grade is Grade.FAIL
    assert len(healthy.asked) < 200


def test_host_is_found_behind_an_include_and_a_redirect(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, "v=spf1 redirect=_spf.example")
    healthy.txt("_spf.example", "v=spf1 include:_net.example ~all")
    healthy.txt("_net.example", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all")
    found = look()
    assert found["spf_host"].grade is Grade.OK
    assert found["spf_all"].grade is Grade.OK


def test_host_that_the_record_does_not_name_is_no_failure_but_said(
    look: Look, healthy: NameServer
) -> None:
    healthy.txt(DOMAIN, "v=spf1 ip4:198.51.100.0/24 -all")
    check = look()["spf_host"]
    assert check.grade is Grade.NOTE
    assert f"a:{HOST}" in check.remedy


@pytest.mark.parametrize(
    ("ending", "grade"),
    [("-all", Grade.OK), ("~all", Grade.OK), ("?all", Grade.WARN), ("", Grade.WARN),
     ("+all", Grade.FAIL), ("all", Grade.FAIL)],
)  # fmt: skip
def test_ending_of_spf_is_judged(
    look: Look, healthy: NameServer, ending: str, grade: Grade
) -> None:
    healthy.txt(DOMAIN, f"v=spf1 a:{HOST} {ending}")
    assert look()["spf_all"].grade is grade


def test_part_of_spf_that_leads_nowhere_is_named(look: Look, healthy: NameServer) -> None:
    healthy.txt(DOMAIN, "v=spf1 inclde:x.example include:gone.example exp=why.example -all")
    check = look()["spf_terms"]
    assert check.grade is Grade.FAIL
    assert "inclde:x.example" in check.message
    assert "include:gone.example" in check.message
    assert "exp=" not in check.message


def test_without_a_selector_it_is_explained_where_to_find_it(look: Look) -> None:
    check = look(dkim_selector=None)["dkim"]
    assert check.grade is Grade.NOTE
    assert "--dkim-selector" in check.remedy


@pytest.mark.parametrize(
    ("record", "grade"),
    [
        ("v=DKIM1; p=", Grade.FAIL),
        ("v=DKIM1; p=not base64", Grade.FAIL),
        ("v=DKIM1; p=AAAA", Grade.FAIL),
        (f"v=DKIM1; p={dkim_key(1024)}", Grade.WARN),
        (f"p={dkim_key(2048)}", Grade.OK),
    ],
    ids=["withdrawn", "no base64", "no key", "short", "without version"],
)
def test_key_of_dkim_is_judged(look: Look, healthy: NameServer, record: str, grade: Grade) -> None:
    healthy.txt(f"s1._domainkey.{DOMAIN}", record)
    assert look()["dkim"].grade is grade


def test_ed25519_key_is_good_but_not_for_all(look: Look, healthy: NameServer) -> None:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    healthy.txt(f"s1._domainkey.{DOMAIN}", f"k=ed25519; p={base64.b64encode(raw).decode()}")
    assert look()["dkim"].grade is Grade.NOTE


def test_key_that_is_only_being_tried_is_said(look: Look, healthy: NameServer) -> None:
    healthy.txt(f"s1._domainkey.{DOMAIN}", f"v=DKIM1; t=s:y; p={dkim_key(2048)}")
    assert look()["dkim_testing"].grade is Grade.WARN


@pytest.mark.parametrize(
    ("record", "grade"),
    [
        ("v=DMARC1; p=none", Grade.NOTE),
        ("v=DMARC1; p=reject", Grade.OK),
        ("v=DMARC1; p=perhaps", Grade.FAIL),
        ("v=DMARC1", Grade.FAIL),
        ("v=DMARC11; p=none", Grade.WARN),
    ],
)
def test_policy_of_dmarc_is_judged(
    look: Look, healthy: NameServer, record: str, grade: Grade
) -> None:
    healthy.txt(f"_dmarc.{DOMAIN}", record)
    assert look()["dmarc"].grade is grade


def test_policy_of_the_domain_above_holds_with_its_word_for_those_below(
    look: Look, healthy: NameServer
) -> None:
    healthy.txt(f"_dmarc.{DOMAIN}", "v=DMARC1; p=reject; sp=none; rua=mailto:x@example.org")
    check = look(mail_from="c@news.example.org")["dmarc"]
    assert check.grade is Grade.NOTE
    assert "p=none" in check.message


@pytest.mark.parametrize(
    ("bounce_address", "mode", "grade"),
    [
        ("bounces+*@example.org", "s", Grade.OK),
        ("b@bounces.example.org", "r", Grade.OK),
        ("b@bounces.example.org", "s", Grade.WARN),
        ("b@provider.example", "r", Grade.WARN),
        ("b@notexample.org", "r", Grade.WARN),
        # Two customers of one registry, which is no organisation.
        ("b@org", "r", Grade.WARN),
    ],
)
def test_where_mail_comes_back_to_must_be_aligned(
    look: Look, healthy: NameServer, bounce_address: str, mode: str, grade: Grade
) -> None:
    healthy.txt(f"_dmarc.{DOMAIN}", f"v=DMARC1; p=reject; aspf={mode}")
    assert look(bounce_address=bounce_address)["dmarc_alignment"].grade is grade


@pytest.mark.parametrize(
    ("mail_from", "bounce_address", "grade"),
    [
        ("c@news.ada.co.uk", "b@bounces.ada.co.uk", Grade.OK),
        ("c@ada.co.uk", "b@ben.co.uk", Grade.WARN),
        ("c@co.uk", "b@ada.co.uk", Grade.WARN),
        ("c@ada.amsterdam", "b@mail.ada.amsterdam", Grade.OK),
        ("c@b\u00fccher.example", "b@mail.xn--bcher-kva.example", Grade.OK),
    ],
)
def test_domains_are_aligned_when_one_organisation_has_both(
    look: Look, healthy: NameServer, mail_from: str, bounce_address: str, grade: Grade
) -> None:
    domain = domain_of(mail_from)
    healthy.txt(f"_dmarc.{domain}", "v=DMARC1; p=reject; rua=mailto:x@example.org")
    found = look(mail_from=mail_from, bounce_address=bounce_address)
    assert found["dmarc_alignment"].grade is grade


def test_policy_of_the_organisation_holds_and_not_that_of_a_registry(
    look: Look, healthy: NameServer
) -> None:
    healthy.txt("_dmarc.ada.co.uk", "v=DMARC1; p=quarantine; rua=mailto:x@example.org")
    healthy.txt("_dmarc.co.uk", "v=DMARC1; p=reject; rua=mailto:x@example.org")
    assert "p=quarantine" in look(mail_from="c@very.deep.ada.co.uk")["dmarc"].message
    assert look(mail_from="c@ben.co.uk")["dmarc"].grade is Grade.WARN
    assert "no DMARC record" in look(mail_from="c@ben.co.uk")["dmarc"].message


@pytest.mark.parametrize(
    ("mx", "grade"),
    [(["0 ."], Grade.FAIL), (["10 gone.example."], Grade.FAIL),
     (["10 gone.example.", f"20 {HOST}."], Grade.WARN)],
)  # fmt: skip
def test_mail_that_comes_back_must_arrive_somewhere(
    look: Look, healthy: NameServer, mx: list[str], grade: Grade
) -> None:
    healthy.put(DOMAIN, "MX", *mx)
    assert look()["mx"].grade is grade


def test_domain_without_mx_but_with_an_address_is_a_note(look: Look, healthy: NameServer) -> None:
    del healthy.records[DOMAIN, "MX"]
    healthy.put(DOMAIN, "A", "192.0.2.1")
    assert look()["mx"].grade is Grade.NOTE


def test_name_server_that_cannot_say_is_no_verdict(look: Look, healthy: NameServer) -> None:
    healthy.broken.add(DOMAIN)
    found = look()
    assert found["spf"].grade is Grade.WARN
    assert found["mx"].grade is Grade.WARN
    assert found["dkim"].grade is Grade.OK


def test_name_server_that_is_silent_is_given_up(
    look: Look, healthy: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.doctor.names.SECONDS", 0.5)
    healthy.silent.add(f"_dmarc.{DOMAIN}")
    assert look()["dmarc"].grade is Grade.WARN


def test_domain_in_other_letters_is_asked_as_the_dns_has_it() -> None:
    assert domain_of("Ada <ada@Bücher.example>") == "xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["ns.example.org", "127.0.0.1:0", "127.0.0.1:x", "", "[::1"])
def test_name_server_without_an_address_is_refused(text: str) -> None:
    with pytest.raises(DnsAddressInvalid):
        Names(text)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]:5353", "::1", 5353),
    ],
)
def test_name_server_is_an_address_with_or_without_a_port(
    text: str, address: str, port: int
) -> None:
    assert parse_server(text) == (address, port)


def run(healthy: NameServer, *words: str) -> tuple[int, str]:
    environ = {
        "CADANS_VAR": "/nonexistent/var",
        "CADANS_FEED_KEYS": "1:" + "ab" * 32,
        "CADANS_SECRET_KEYS": "s" * 64,
        "CADANS_MAIL_FROM": f"Cadans <cadans@{DOMAIN}>",
        "CADANS_MAIL": f"smtp://u:p@{HOST}",
    }
    command = ["doctor", "mail", "--dns", healthy.address, *words]
    done = CliRunner().invoke(cadans, command, env=environ)
    return done.exit_code, done.output


def test_command_says_it_in_words_and_as_json(healthy: NameServer) -> None:
    code, words = run(healthy, "--dkim-selector", "s1")
    assert code == 0
    assert f"Mail from {DOMAIN}" in words
    code, text = run(healthy, "--dkim-selector", "s1", "--json")
    found = json.loads(text)
    assert found["domain"] == DOMAIN
    assert found["checks"][0]["code"] == "spf"


def test_command_ends_with_one_when_something_does_not_work(healthy: NameServer) -> None:
    healthy.records.clear()
    code, words = run(healthy)
    assert code == 1
    assert "v=spf1" in words


def test_command_refuses_a_name_server_that_is_none(healthy: NameServer) -> None:
    code, words = run(healthy, "--dns", "nowhere")
    assert code == 2
    assert "no address of a name server" in words


def test_help_of_the_doctor_shows_each_use_on_a_line_of_its_own() -> None:
    words = CliRunner().invoke(cadans, ["doctor", "--help"]).output
    uses = (line.strip() for line in words.splitlines() if line.startswith("  cadans doctor "))
    lines = [line.partition("   ")[0].strip() for line in uses]
    assert lines == [
        "cadans doctor",
        "cadans doctor https://example.org/feed.xml",
        "cadans doctor mail",
    ]
