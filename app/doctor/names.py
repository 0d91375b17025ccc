"""Asks the DNS; the only module that imports dnspython."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import dns.exception
import dns.name
import dns.resolver

from app.errors import CadansError

PORT: Final = 53
SECONDS: Final = 5.0


class DnsSilent(CadansError):
    """The name server did not answer, or could not say."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the DNS does not answer for {name}")


class DnsAddressInvalid(CadansError):
    """This is no address of a name server."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no address of a name server: write 9.9.9.9 or 127.0.0.1:5353"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHost:
    """One MX record; name "." means that the domain takes no mail (RFC 7505)."""

    preference: int
    name: str


class Names:
    """What stands in the DNS. A name that is not there has nothing; that is no error.

    `server`: address of a name server, with a port behind a colon; None: those of the system.
    """

    def __init__(self, server: str | None = None) -> None:
        self._resolver = dns.resolver.Resolver(configure=server is None)
        if server is not None:
            host, port = parse_server(server)
            self._resolver.nameservers = [host]
            self._resolver.port = port
        self._resolver.lifetime = SECONDS

    def texts(self, name: str) -> list[str]:
        """Answer the TXT records of a name, the pieces of each put together (RFC 7208 3.3)."""
        return [b"".join(row.strings).decode("utf-8", "replace") for row in self._ask(name, "TXT")]

    def mail_hosts(self, name: str) -> list[MailHost]:
        """Answer the MX records of a name, the most wanted first."""
        rows = [
            MailHost(preference=row.preference, name=row.exchange.to_text().rstrip(".") or ".")
            for row in self._ask(name, "MX")
        ]
        return sorted(rows, key=lambda row: (row.preference, row.name))

    def addresses(self, name: str) -> list[str]:
        """Answer the IPv4 and IPv6 addresses of a name."""
        return [row.address for kind in ("A", "AAAA") for row in self._ask(name, kind)]

    def _ask(self, name: str, kind: str) -> Iterable[Any]:
        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, UnicodeError, ValueError) as error:
            raise DnsSilent(name) from error


def parse_server(server: str) -> tuple[str, int]:
    """Answer address and port of a name server.

    Raises:
        DnsAddressInvalid: it is a name, or nothing.
    """
    found = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?|([0-9a-fA-F:.]+)", server)
    if found is None:
        raise DnsAddressInvalid(server)
    port = int(found[2] or found[4] or PORT)
    try:
        host = str(ip_address(found[1] or found[3] or found[5]))
    except ValueError as error:
        raise DnsAddressInvalid(server) from error
    if not 0 < port < 65_536:  # noqa: PLR2004 (UDP)
        raise DnsAddressInvalid(server)
    return host, port
