"""A real name server on loopback UDP, with the records that a test gives it."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

TTL = 60
MAX_BYTES = 65_535


@dataclass(kw_only=True)
class NameServer:
    """`records`: (name, type) to values; a name that is `silent` is never answered."""

    port: int = 0
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def txt(self, name: str, *texts: str) -> None:
        """Texts longer than 255 letters are cut into pieces, as the DNS has it."""
        self.records[name, "TXT"] = [
            " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
            for text in texts
        ]

    def put(self, name: str, kind: str, *values: str) -> None:
        self.records[name, kind] = list(values)

    def answer(self, raw: bytes) -> bytes | None:
        query = dns.message.from_wire(raw)
        question = query.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        if name in self.silent:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        values = self.records.get((name, kind))
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", kind, *values))
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=MAX_BYTES)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        raw, answers_at = self.request
        reply = cast("_Server", self.server).names.answer(raw)
        if reply is not None:
            answers_at.sendto(reply, self.client_address)


class _Server(socketserver.ThreadingUDPServer):
    def __init__(self, names: NameServer) -> None:
        self.names = names
        super().__init__(("127.0.0.1", 0), _Handler)


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    names = NameServer()
    with _Server(names) as server:
        names.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield names
        server.shutdown()
        thread.join()
