"""SPF: which machines may send mail for a domain (RFC 7208)."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

from app.doctor.names import Names
from app.doctor.report import Check, Grade

# RFC 7208 4.6.4: more lookups than this make the whole record void.
MAX_LOOKUPS: Final = 10
# Same section: more names than this that lead nowhere make it void too.
MAX_VOID: Final = 2
# Guards against records that include each other in ever longer rings.
MAX_DEPTH: Final = 12
VERSION: Final = re.compile(r"v=spf1(\s|$)", re.IGNORECASE)
TERM: Final = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|exists|ip4|ip6)([:/].*)?$", re.IGNORECASE)
LOOKS_UP: Final = frozenset({"include", "a", "mx", "ptr", "exists"})
SAYS_NO: Final = frozenset({"-", "~"})


@dataclass(slots=True)
class Found:
    """What a record and all that it includes say; `void`: names asked that have no answer.

    `ending`: the sign before "all": "-", "~", "?", "+"; None: there is no "all".
    """

    lookups: int = 0
    networks: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    ending: str | None = None


def check_spf(names: Names, domain: str, smtp_host: str | None) -> list[Check]:
    """Look at the record of the domain that mail comes back to.

    Raises:
        DnsSilent: the DNS does not answer.
    """
    records = [text for text in names.texts(domain) if VERSION.match(text)]
    if not records:
        return [_missing(domain, smtp_host)]
    if len(records) > 1:
        return [
            Check(
                code="spf",
                grade=Grade.FAIL,
                message=f"{domain} has {len(records)} SPF records; receivers then heed none.",
                remedy="Put them together into one: one v=spf1, all parts, one ending.",
            )
        ]
    found = Found()
    _walk(names, domain, records[0], found, depth=0)
    checks = [
        Check(code="spf", grade=Grade.OK, message=f"{domain} has an SPF record: {records[0]}"),
        _lookups(domain, found),
        *_voids(domain, found),
        _ending(domain, found),
    ]
    if found.unknown:
        checks.append(_unknown(domain, found))
    return [*checks, _is_allowed(names, domain, smtp_host, found)]


def _walk(names: Names, domain: str, record: str, found: Found, *, depth: int) -> None:
    """Follow one record, counting as receivers do."""
    redirect = None
    for term in record.split()[1:]:
        name, is_modifier, value = term.partition("=")
        if is_modifier and name.casefold() == "redirect":
            redirect = value
        elif not (is_modifier and re.fullmatch(r"[a-zA-Z][\w.-]*", name)):
            _mechanism(names, domain, term, found, depth=depth)
    if redirect and found.ending is None:
        _follow(names, redirect, found, depth=depth)


def _mechanism(names: Names, domain: str, term: str, found: Found, *, depth: int) -> None:
    parts = TERM.match(term)
    if parts is None:
        found.unknown.append(term)
        return
    sign, kind, value = parts[1] or "+", parts[2].casefold(), (parts[3] or "").removeprefix(":")
    if kind == "all":
        found.ending = sign if depth == 0 or found.ending is None else found.ending
    elif kind == "include":
        inner = Found(lookups=found.lookups)
        _follow(names, value, inner, depth=depth)
        found.lookups = inner.lookups
        found.networks += inner.networks
        found.unknown += inner.unknown
        found.void += inner.void
    elif kind in LOOKS_UP:
        found.lookups += 1
        addresses = _addresses(names, kind, value.partition("/")[0] or domain, found)
        found.networks += addresses if sign == "+" else []
    elif sign == "+":
        found.networks.append(value)


def _follow(names: Names, domain: str, found: Found, *, depth: int) -> None:
    found.lookups += 1
    if not _may_ask(found) or depth >= MAX_DEPTH or "%" in domain:
        return
    records = [text for text in names.texts(domain) if VERSION.match(text)]
    if len(records) == 1:
        _walk(names, domain, records[0], found, depth=depth + 1)
    else:
        found.unknown.append(f"include:{domain}")


def _may_ask(found: Found) -> bool:
    # A little beyond the limit, so that the count means something; never for ever.
    return found.lookups <= 3 * MAX_LOOKUPS


def _addresses(names: Names, kind: str, name: str, found: Found) -> list[str]:
    """Answer the addresses that a part names, and note what leads nowhere.

    Receivers ask for IPv4 or IPv6 alone, as the mail came; a name counts as void here when it has
    neither. What depends on the mail itself ("%" in it, ptr) cannot be looked up beforehand.
    """
    if kind == "ptr" or "%" in name or not _may_ask(found):
        return []
    if kind != "mx":
        return _ask(names, name, found)
    hosts = [host.name for host in names.mail_hosts(name)[:MAX_LOOKUPS]]
    if not hosts:
        found.void.append(name)
    return [address for host in hosts if host != "." for address in _ask(names, host, found)]


def _ask(names: Names, name: str, found: Found) -> list[str]:
    addresses = names.addresses(name)
    if not addresses:
        found.void.append(name)
    return addresses


def _missing(domain: str, smtp_host: str | None) -> Check:
    record = f"v=spf1 a:{smtp_host or f'mail.{domain}'} ~all"
    return Check(
        code="spf",
        grade=Grade.FAIL,
        message=f"{domain} has no SPF record: receivers cannot tell our mail from somebody else's.",
        remedy=f'Publish `{domain}. TXT "{record}"`; with a mail provider, the include it names'
        " in place of the a:.",
    )


def _lookups(domain: str, found: Found) -> Check:
    if found.lookups <= MAX_LOOKUPS:
        words = f"It asks {found.lookups} further names; at most {MAX_LOOKUPS} are allowed."
        return Check(code="spf_lookups", grade=Grade.OK, message=words)
    return Check(
        code="spf_lookups",
        grade=Grade.FAIL,
        message=f"The SPF record of {domain} asks {found.lookups} further names; beyond"
        f" {MAX_LOOKUPS} receivers heed none of it.",
        remedy="Leave out the includes of services that no longer send for you.",
    )


def _voids(domain: str, found: Found) -> list[Check]:
    names = list(dict.fromkeys(found.void))
    if not names:
        return []
    is_over = len(found.void) > MAX_VOID
    words = f"The SPF record of {domain} asks names that lead nowhere: {', '.join(names[:5])}."
    return [
        Check(
            code="spf_void",
            grade=Grade.FAIL if is_over else Grade.WARN,
            message=f"{words} Beyond {MAX_VOID} of these receivers heed none of it.",
            remedy="Take them out of the record, or publish their addresses.",
        )
    ]


def _ending(domain: str, found: Found) -> Check:
    if found.ending in SAYS_NO:
        return Check(
            code="spf_all",
            grade=Grade.OK,
            message=f"It ends in {found.ending}all: nobody else may.",
        )
    if found.ending == "+":
        return Check(
            code="spf_all",
            grade=Grade.FAIL,
            message=f"The SPF record of {domain} ends in +all: everybody may send in its name.",
            remedy="Let it end in ~all, and in -all once all goes well.",
        )
    return Check(
        code="spf_all",
        grade=Grade.WARN,
        message=f"The SPF record of {domain} says nothing of those that it does not name.",
        remedy="Let it end in ~all, and in -all once all goes well.",
    )


def _unknown(domain: str, found: Found) -> Check:
    return Check(
        code="spf_terms",
        grade=Grade.FAIL,
        message=f"The SPF record of {domain} has parts that lead nowhere:"
        f" {' '.join(found.unknown[:5])}",
        remedy="Mend or remove them: receivers may heed none of the record otherwise.",
    )


def _is_allowed(names: Names, domain: str, smtp_host: str | None, found: Found) -> Check:
    if smtp_host is None:
        return Check(
            code="spf_host",
            grade=Grade.NOTE,
            message="CADANS_MAIL names no mail server: nobody can tell whether it may send.",
        )
    own = {address for address in _addresses_of(names, smtp_host) if _is_in(address, found)}
    if own:
        return Check(code="spf_host", grade=Grade.OK, message=f"{smtp_host} may send for {domain}.")
    return Check(
        code="spf_host",
        grade=Grade.NOTE,
        message=f"The record does not name the address of {smtp_host}. That is right when mail"
        " leaves from other machines of its provider, and wrong when it sends itself.",
        remedy=f"If it sends itself, add a:{smtp_host} to the record. To be sure, read"
        ' "spf=pass" in a mail that arrived.',
    )


def _addresses_of(names: Names, host: str) -> list[str]:
    try:
        return [str(ip_address(host.strip("[]")))]
    except ValueError:
        return names.addresses(host)


def _is_in(address: str, found: Found) -> bool:
    for network in found.networks:
        try:
            if ip_address(address) in ip_network(network, strict=False):
                return True
        except ValueError:
            continue
    return False
