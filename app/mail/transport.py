"""How a mail leaves the house: to a mail server, or into a folder for the demo."""

import mailbox
import smtplib
import ssl
from email.message import EmailMessage
from typing import Protocol

from app.errors import CadansError
from app.setting_values import Maildir, MailTarget, Smtp

# RFC 5321 4.5.3.2 allows minutes; a worker with other mails to send does not wait that long.
SMTP_TIMEOUT_SECONDS = 20


class MailRefused(CadansError):
    """The mail server will never take this mail (5xx): trying again is no use."""


class MailServerUnreachable(CadansError):
    """The mail server cannot take it now (down, 4xx, wrong password): try again later."""


class MailTransport(Protocol):
    """Takes one mail.

    At least once: when the connection breaks after the server took the mail but before it said so,
    the caller sends again with the same Message-ID.
    """

    def send(self, message: EmailMessage) -> None:
        """Hand the mail over.

        Raises:
            MailRefused: for good.
            MailServerUnreachable: for now.
        """


class MaildirTransport:
    """Puts mails into a Maildir, which the demo shows."""

    def __init__(self, target: Maildir) -> None:
        self._target = target

    def send(self, message: EmailMessage) -> None:
        """Write the mail to disk, whole or not at all."""
        try:
            self._target.path.parent.mkdir(parents=True, exist_ok=True)
            mailbox.Maildir(self._target.path).add(message)
        except OSError as error:
            raise MailServerUnreachable(
                f"cannot write to the mail folder: {error.strerror}"
            ) from error


class SmtpTransport:
    """Speaks SMTP, one connection a mail."""

    def __init__(self, target: Smtp) -> None:
        self._target = target

    def send(self, message: EmailMessage) -> None:
        """Hand the mail to the server."""
        try:
            with self._connect() as server:
                _hand_over(server, message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _refusal(code) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerUnreachable(f"mail server: {type(error).__name__}") from error

    def _connect(self) -> smtplib.SMTP:
        target, context = self._target, ssl.create_default_context()
        if target.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                target.host, target.port, timeout=SMTP_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(target.host, target.port, timeout=SMTP_TIMEOUT_SECONDS)
        if target.tls == "starttls":
            server.starttls(context=context)
        if target.user is not None:
            server.login(target.user, target.password or "")
        return server


def open_transport(target: MailTarget) -> MailTransport:
    """Choose the transport for a target; nothing connects yet."""
    return MaildirTransport(target) if isinstance(target, Maildir) else SmtpTransport(target)


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except smtplib.SMTPNotSupportedError as error:
        # The address has letters beyond ASCII, and waiting teaches this server none (RFC 6531).
        raise MailRefused("mail server takes no letters beyond ASCII in addresses") from error


def _refusal(code: int) -> CadansError:
    # RFC 5321 4.2.1: 5yz is permanent; but 530 to 538 (RFC 4954) are about our own sign-in.
    if code in range(530, 539) or code < 500:  # noqa: PLR2004
        return MailServerUnreachable(f"mail server answered {code}")
    return MailRefused(f"mail server answered {code}")
