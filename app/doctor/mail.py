"""Whether mail of this house is likely to arrive: what the DNS says of the sender's domain."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr

import idna

from app.doctor.dkim import check_dkim
from app.doctor.dmarc import Sender, check_dmarc
from app.doctor.names import DnsSilent, Names
from app.doctor.report import Check, Grade
from app.doctor.spf import check_spf


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSetup:
    """How the house sends: From, where mail comes back to (None: From), the server (None: none)."""

    mail_from: str
    bounce_address: str | None
    smtp_host: str | None
    dkim_selector: str | None = None
    # Whether anything reads what comes back: a mailbox, or a provider that tells.
    is_read: bool


def check_mail(names: Names, setup: MailSetup) -> list[Check]:
    """Answer what is right and wrong, the remedy beside it. Never raises for what the DNS says."""
    domain = domain_of(setup.mail_from)
    envelope = domain_of(setup.bounce_address) if setup.bounce_address else domain
    sender = Sender(domain=domain, envelope=envelope)
    return [
        *_unless_silent("spf", lambda: check_spf(names, envelope, setup.smtp_host)),
        *_unless_silent("dkim", lambda: check_dkim(names, domain, setup.dkim_selector)),
        *_unless_silent("dmarc", lambda: check_dmarc(names, sender)),
        *_unless_silent("mx", lambda: [_check_mx(names, envelope)]),
        _check_reading(is_read=setup.is_read),
    ]


def domain_of(sender: str) -> str:
    """Answer the domain of `Name <address>`, as the DNS writes it."""
    domain = parseaddr(sender)[1].rpartition("@")[2].casefold().rstrip(".")
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def _unless_silent(code: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except DnsSilent as error:
        return [
            Check(
                code=code,
                grade=Grade.WARN,
                message=f"Nobody can tell: {error}.",
                remedy="Try again later, or name another name server with --dns.",
            )
        ]


def _check_mx(names: Names, domain: str) -> Check:
    hosts = names.mail_hosts(domain)
    if not hosts:
        return _without_mx(domain, has_address=bool(names.addresses(domain)))
    if hosts[0].name == ".":
        return Check(
            code="mx",
            grade=Grade.FAIL,
            message=f"{domain} says that it takes no mail (MX 0 .): what comes back is lost, and"
            " some receivers refuse mail from such a domain.",
            remedy=f"Publish the mail server that takes it: `{domain}. MX 10 mail.{domain}.`",
        )
    lost = [host.name for host in hosts if not names.addresses(host.name)]
    if lost:
        return Check(
            code="mx",
            grade=Grade.WARN if len(lost) < len(hosts) else Grade.FAIL,
            message=f"Mail to {domain} should go to {', '.join(lost)}, which has no address.",
            remedy="Publish an A record for it, or take it out of the MX records.",
        )
    return Check(
        code="mx", grade=Grade.OK, message=f"Mail that comes back goes to {hosts[0].name}."
    )


def _without_mx(domain: str, *, has_address: bool) -> Check:
    remedy = f"Publish the mail server that takes it: `{domain}. MX 10 mail.{domain}.`"
    if has_address:
        return Check(
            code="mx",
            grade=Grade.NOTE,
            message=f"{domain} names no mail server; mail that comes back goes to the machine of"
            " that name itself (RFC 5321 5.1).",
            remedy=remedy,
        )
    return Check(
        code="mx",
        grade=Grade.FAIL,
        message=f"Mail to {domain} can go nowhere: what comes back is lost, and some receivers"
        " refuse mail from such a domain.",
        remedy=remedy,
    )


def _check_reading(*, is_read: bool) -> Check:
    if is_read:
        return Check(code="bounces", grade=Grade.OK, message="What comes back is read.")
    return Check(
        code="bounces",
        grade=Grade.NOTE,
        message="Nobody reads what comes back, so that mail goes on to mailboxes that are gone.",
        remedy="Set CADANS_BOUNCES to the mailbox it comes to, or one of the CADANS_HOOK_… settings"
        " for your mail provider.",
    )
