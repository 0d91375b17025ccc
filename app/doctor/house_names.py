"""The name of the house: the DNS knows it, and somebody listens at every address behind it."""

import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from app.doctor.report import Check, Grade

TIMEOUT: Final = 5.0
PORTS: Final = {"http": 80, "https": 443}


def look_at_name(base_url: str) -> list[Check]:
    """Look whether the name of BASE_URL has addresses, and whether all of them answer.

    Apps take whichever they like: one that is dead makes the house slow for some and gone for
    others, such as one for IPv6 where only IPv4 is served.
    """
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        words = f"The DNS knows no address of {host}."
        remedy = f"Publish where it is, `{host}. A …`, or mend CADANS_BASE_URL."
        return [Check(code="name", grade=Grade.FAIL, message=words, remedy=remedy)]
    return [judge_addresses(host, port, sorted({str(each[4][0]) for each in found}))]


def judge_addresses(host: str, port: int, addresses: Sequence[str]) -> Check:
    """Try every address; one that no way leads to from here says nothing."""
    dead = [address for address in addresses if _is_dead(address, port)]
    # All of them: then the other looks say that nobody answers. Loopback has both kinds everywhere.
    if dead and len(dead) < len(addresses) and not _is_loopback(host):
        return Check(
            code="name",
            grade=Grade.FAIL,
            message=f"{host} has several addresses, and nobody listens at {', '.join(dead)}.",
            remedy=f"Let the proxy listen there as well, on port {port}, or take it out of the"
            " DNS.",
        )
    words = f"{host} is known by {', '.join(addresses)}."
    return Check(code="name", grade=Grade.OK, message=words)


def _is_dead(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=TIMEOUT).close()
    except (ConnectionRefusedError, TimeoutError):
        return True
    except OSError:
        # No way leads there from here, as to IPv6 from a machine that has none.
        return False
    return False


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
