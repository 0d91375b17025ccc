"""A real SMTP server (aiosmtpd) on a port of its own, that can refuse, stall and take its time."""

import email
import email.policy
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One mail as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass(kw_only=True)
class MailServer:
    """What came in, and how to answer what comes. `on_data` runs once the mail was read whole."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer_to: dict[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    knows_utf8: bool = True
    on_data: Callable[[], None] | None = None
    # How often somebody said hello: one connection each.
    greetings: int = 0
    came: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.answer_to:
            return self.answer_to[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, session: Session, _envelope: Envelope, host: str, answers: list[str]
    ) -> list[str]:
        session.host_name = host
        self.greetings += 1
        return answers if self.knows_utf8 else [line for line in answers if "UTF8" not in line]

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.on_data is not None:
            self.on_data()
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.received.append(
                Received(
                    sender=envelope.mail_from or "",
                    recipients=tuple(envelope.rcpt_tos),
                    raw=envelope.content,
                )
            )
        self.came.set()
        return self.answer


class _OnAnyPort(Controller):
    def _trigger_server(self) -> None:
        """Learn the port before the first connection, which this makes."""
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # (aiosmtpd types it in part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Whom a server lets in; over TLS alone."""

    user: str
    password: str

    def __call__(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        wanted = LoginPassword(self.user.encode(), self.password.encode())
        # The server says it itself.
        return AuthResult(success=data == wanted, handled=False)


@contextmanager
def receiving(
    *, context: ssl.SSLContext | None = None, login: Login | None = None
) -> Iterator[MailServer]:
    """A server that takes mail until the block ends; with STARTTLS and from whom, if need be."""
    server = MailServer()
    secured: dict[str, Any] = {"tls_context": context, "require_starttls": True} if context else {}
    guarded: dict[str, Any] = {"authenticator": login, "auth_required": True} if login else {}
    controller = _OnAnyPort(
        server, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True, **secured, **guarded
    )
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with receiving() as server:
        yield server
