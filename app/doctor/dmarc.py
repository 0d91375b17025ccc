"""DMARC: what receivers do with mail that only claims to be ours (RFC 7489)."""

import re
from dataclasses import dataclass
from typing import Final

from app.doctor.dkim import parse_tags
from app.doctor.names import Names
from app.doctor.report import Check, Grade
from app.doctor.suffixes import organisation_of

VERSION: Final = re.compile(r"v\s*=\s*DMARC1\s*(;|$)", re.IGNORECASE)
POLICIES: Final = {
    "none": "receivers do nothing with it, they only report",
    "quarantine": "it goes among unwanted mail",
    "reject": "it is refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The domain that people read, and the one that mail comes back to."""

    domain: str
    envelope: str


def check_dmarc(names: Names, sender: Sender) -> list[Check]:
    """Look at the policy, and whether SPF speaks for the domain that people read.

    Raises:
        DnsSilent: the DNS does not answer.
    """
    where, records = _find(names, sender.domain)
    if not records:
        return [_missing(sender.domain)]
    if len(records) > 1:
        words = f"_dmarc.{where} has {len(records)} DMARC records; receivers then heed none."
        return [Check(code="dmarc", grade=Grade.FAIL, message=words, remedy="Leave one of them.")]
    tags = parse_tags(records[0])
    policy = tags.get("p", "").casefold()
    if where != sender.domain:
        policy = tags.get("sp", policy).casefold()
    return [_policy(where, policy), *_reports(where, tags), _alignment(sender, tags)]


def is_related(one: str, other: str, *, is_strict: bool) -> bool:
    """Tell whether two domains are aligned (RFC 7489 3.1); relaxed: one organisation has both."""
    return one == other or (not is_strict and organisation_of(one) == organisation_of(other))


def _find(names: Names, domain: str) -> tuple[str, list[str]]:
    """Answer the records of the domain, or else of its organisation (RFC 7489 6.6.3)."""
    for where in dict.fromkeys((domain, organisation_of(domain))):
        found = [text for text in names.texts(f"_dmarc.{where}") if VERSION.match(text)]
        if found:
            return where, found
    return domain, []


def _missing(domain: str) -> Check:
    return Check(
        code="dmarc",
        grade=Grade.WARN,
        message=f"{domain} has no DMARC record; large mail services ask for one.",
        remedy=f'Publish `_dmarc.{domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"`;'
        " when the reports show that all your mail passes, change none into quarantine.",
    )


def _policy(where: str, policy: str) -> Check:
    if policy not in POLICIES:
        return Check(
            code="dmarc",
            grade=Grade.FAIL,
            message=f"The DMARC record of {where} has no policy that there is: p={policy or '…'}",
            remedy="Let it say p=none, p=quarantine or p=reject.",
        )
    is_none = policy == "none"
    return Check(
        code="dmarc",
        grade=Grade.NOTE if is_none else Grade.OK,
        message=f"{where} says what to do with mail that fails: p={policy}, {POLICIES[policy]}.",
        remedy="When the reports show that all your mail passes, make it p=quarantine."
        if is_none
        else "",
    )


def _reports(where: str, tags: dict[str, str]) -> list[Check]:
    if tags.get("rua"):
        return []
    return [
        Check(
            code="dmarc_reports",
            grade=Grade.NOTE,
            message=f"The DMARC record of {where} names nobody who gets the reports.",
            remedy=f"Add rua=mailto:postmaster@{where} to it.",
        )
    ]


def _alignment(sender: Sender, tags: dict[str, str]) -> Check:
    is_strict = tags.get("aspf", "r").casefold() == "s"
    where = sender.domain if is_strict else f"{organisation_of(sender.domain)} or under it"
    if is_related(sender.domain, sender.envelope, is_strict=is_strict):
        return Check(
            code="dmarc_alignment",
            grade=Grade.OK,
            message=f"Mail comes back to {sender.envelope}: SPF speaks for {sender.domain}.",
        )
    return Check(
        code="dmarc_alignment",
        grade=Grade.WARN,
        message=f"Mail is from {sender.domain} but comes back to {sender.envelope}: SPF does not"
        " count for DMARC, only the signature does.",
        remedy=f"Let CADANS_BOUNCE_ADDRESS be at {where}, or see to it that mail is signed with"
        f" d={sender.domain}.",
    )
