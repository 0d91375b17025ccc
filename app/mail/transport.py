"""How a mail leaves the house: to a mail server, or into a folder for the demo."""

import mailbox
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from email.message import EmailMessage
from typing import Final, Protocol, Self

from app.errors import CadansError
from app.setting_values import Maildir, MailTarget, Smtp

# RFC 5321 4.5.3.2 allows minutes; a worker with other mails to send does not wait that long.
SMTP_TIMEOUT_SECONDS = 20
# RFC 5321 4.2.3: mailbox unavailable, not local, name not allowed, parameters not recognised;
# RFC 7504: the domain takes no mail. Said of a recipient, these are about the recipient …
ABOUT_RECIPIENT: Final = frozenset({501, 521, 550, 551, 553, 554, 555, 556})
# … unless the status behind the code says that they are about us: bad sender, mailbox full (which
# passes), message too big, system, protocol, content, policy (RFC 3463 3.2 to 3.8).
ABOUT_US: Final = re.compile(r"5\.(1\.[78]|2\.[23]|3\.\d+|5\.\d+|6\.\d+|7\.\d+)$")
# A mailbox that is full or busy says nothing of its domain (RFC 3463 3.3).
ABOUT_MAILBOX: Final = re.compile(r"4\.2\.\d+$")
STATUS: Final = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
CLOSING: Final = 421
PERMANENT: Final = 500


class MailRefused(CadansError):
    """The mail server will never take this mail (5xx): trying again is no use."""


class RecipientRefused(MailRefused):
    """It will never take mail for this recipient; `diagnostic` holds the codes alone."""

    def __init__(self, diagnostic: str) -> None:
        self.diagnostic = diagnostic
        super().__init__(f"mail server answered {diagnostic}")


class RecipientBusy(CadansError):
    """It cannot take mail for this recipient now (4xx); others may go.

    `is_domain`: nor, as far as we know, for anybody in that domain.
    """

    def __init__(self, diagnostic: str, *, is_domain: bool) -> None:
        self.is_domain = is_domain
        self.diagnostic = diagnostic
        super().__init__(f"mail server answered {diagnostic}")


class MailServerUnreachable(CadansError):
    """The mail server cannot take anything now (down, wrong password): try again later."""


class MailLine(Protocol):
    """Takes several mails, one after the other."""

    def send(self, message: EmailMessage, *, sender: str | None = None) -> None:
        """Hand the mail over; `sender`: whom it comes back to, None: who it is from.

        Raises:
            MailRefused: for good; RecipientRefused when that is about the recipient.
            RecipientBusy: for now, and others may go.
            MailServerUnreachable: for now, and nothing else will go either.
        """


class MailTransport(Protocol):
    """Opens lines to whoever takes our mail.

    At least once: when the connection breaks after the server took the mail but before it said so,
    the caller sends again with the same Message-ID.
    """

    def line(self) -> AbstractContextManager[MailLine]:
        """Open a line for mails in a row; nothing connects before the first one."""

    def send(self, message: EmailMessage) -> None:
        """Hand over one mail on a line of its own."""


class MaildirTransport:
    """Puts mails into a Maildir, which the demo shows."""

    def __init__(self, target: Maildir) -> None:
        self._target = target

    @contextmanager
    def line(self) -> Iterator[Self]:
        """A folder needs no line."""
        yield self

    def send(self, message: EmailMessage, *, sender: str | None = None) -> None:
        """Write the mail to disk, whole or not at all."""
        del sender
        try:
            self._target.path.parent.mkdir(parents=True, exist_ok=True)
            mailbox.Maildir(self._target.path).add(message)
        except OSError as error:
            raise MailServerUnreachable(
                f"cannot write to the mail folder: {error.strerror}"
            ) from error


class SmtpTransport:
    """Speaks SMTP, one connection for the mails of a line."""

    def __init__(self, target: Smtp) -> None:
        self._target = target

    @contextmanager
    def line(self) -> Iterator["SmtpLine"]:
        """Open a line."""
        line = SmtpLine(self._target)
        try:
            yield line
        finally:
            line.close()

    def send(self, message: EmailMessage) -> None:
        """Hand the mail to the server."""
        with self.line() as line:
            line.send(message)


class SmtpLine:
    """One conversation with a mail server, begun again where the server ended it."""

    def __init__(self, target: Smtp) -> None:
        self._target = target
        self._server: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, *, sender: str | None = None) -> None:
        """Hand the mail to the server."""
        try:
            _hand_over(self._ready(), message, sender)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _about_recipient(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise MailServerUnreachable(f"mail server: {type(error).__name__}") from error

    def close(self) -> None:
        """Say goodbye, as far as anybody listens."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _ready(self) -> smtplib.SMTP:
        """Answer a connection on which nothing has begun."""
        if self._server is not None:
            # Tells whether the server is still there, and clears what a refusal left behind.
            with suppress(OSError, smtplib.SMTPException):
                if self._server.rset()[0] == 250:  # noqa: PLR2004 (RFC 5321 4.2.3)
                    return self._server
            self.close()
        self._server = connect(self._target)
        return self._server


def open_transport(target: MailTarget) -> MailTransport:
    """Choose the transport for a target; nothing connects yet."""
    return MaildirTransport(target) if isinstance(target, Maildir) else SmtpTransport(target)


def connect(target: Smtp) -> smtplib.SMTP:
    """Connect and sign in; raises what smtplib raises."""
    if target.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            target.host,
            target.port,
            timeout=SMTP_TIMEOUT_SECONDS,
            context=ssl.create_default_context(),
        )
    else:
        server = smtplib.SMTP(target.host, target.port, timeout=SMTP_TIMEOUT_SECONDS)
    try:
        if target.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if target.user is not None:
            server.login(target.user, target.password or "")
    except (OSError, smtplib.SMTPException):
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, message: EmailMessage, sender: str | None) -> None:
    try:
        server.send_message(message, from_addr=sender)
    except smtplib.SMTPNotSupportedError as error:
        # The address has letters beyond ASCII, and waiting teaches this server none (RFC 6531).
        raise MailRefused("mail server takes no letters beyond ASCII in addresses") from error


def _about_recipient(code: int, words: bytes) -> CadansError:
    found = STATUS.match(words.decode("ascii", "replace"))
    status = found[1] if found else ""
    diagnostic = f"{code} {status}".strip()
    if code == CLOSING or code in range(530, 539):
        return _refusal(code)
    if code < PERMANENT:
        return RecipientBusy(diagnostic, is_domain=not ABOUT_MAILBOX.match(status))
    if code in ABOUT_RECIPIENT and not ABOUT_US.match(status):
        return RecipientRefused(diagnostic)
    return MailRefused(f"mail server answered {diagnostic}")


def _refusal(code: int) -> CadansError:
    # RFC 5321 4.2.1: 5yz is permanent; but 530 to 538 (RFC 4954) are about our own sign-in.
    if code in range(530, 539) or code < PERMANENT:
        return MailServerUnreachable(f"mail server answered {code}")
    return MailRefused(f"mail server answered {code}")
