"""The mail server of the house: it answers, knows us, and takes a mail when one is asked for."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final

from app.clock import system_clock
from app.doctor.mail import domain_of
from app.doctor.report import Check, Grade
from app.errors import CadansError
from app.house import House
from app.mail.transport import connect
from app.setting_values import Maildir, Smtp

NOT_KNOWN: Final = "Mend the user and password in CADANS_MAIL."
NOT_OFFERED: Final = (
    "See which port and tls= your provider names; leave out user and password if it wants none."
)
NOT_TRUSTED: Final = (
    "Write the name its certificate is for in CADANS_MAIL; an authority of your own is named in"
    " SSL_CERT_FILE."
)
NOT_REACHED: Final = (
    "Mend host, port and tls= in CADANS_MAIL, and see that a firewall lets mail out."
)


def look_at_mail(house: House, send_to: str | None) -> list[Check]:
    """Look whether the mail server lets us in; send one mail to `send_to` when there is one."""
    found = _sign_in(house.settings.mail)
    if send_to is None or found.grade is Grade.FAIL:
        return [found]
    return [found, _send(house, send_to)]


def _sign_in(target: Maildir | Smtp) -> Check:
    if isinstance(target, Maildir):
        words = "Mail is put into a folder: nobody gets one."
        return Check(code="mail", grade=Grade.NOTE, message=words)
    where = f"{target.host}:{target.port}"
    try:
        connect(target).quit()
    except (OSError, smtplib.SMTPException) as error:
        words, remedy = _why(error)
        return _fail("mail", f"The mail server {where} {words}.", remedy)
    who = "knows us" if target.user else "answers; no user is set"
    return Check(code="mail", grade=Grade.OK, message=f"The mail server {where} {who}.")


def _why(error: OSError | smtplib.SMTPException) -> tuple[str, str]:
    """Say what is wrong between us and the mail server, and what to do."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"does not know us ({error.smtp_code})", NOT_KNOWN
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "does not offer what CADANS_MAIL asks for (STARTTLS, or signing in)", NOT_OFFERED
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted ({error.verify_message})", NOT_TRUSTED
    return f"cannot be used ({type(error).__name__})", NOT_REACHED


def _send(house: House, send_to: str) -> Check:
    message = EmailMessage()
    message["From"], message["To"] = house.settings.mail_from, send_to
    message["Subject"] = "Cadans: a mail to see whether mail arrives"
    message["Date"] = format_datetime(system_clock())
    message["Message-ID"] = make_msgid(domain=domain_of(house.settings.mail_from))
    message.set_content(f"This mail was asked for by `cadans doctor` of {house.settings.base_url}.")
    try:
        house.mail.send(message)
    except CadansError as error:
        words = f"The test mail was not taken ({error})."
        return _fail("mail_sent", words, "See that CADANS_MAIL_FROM may send by this server.")
    words = f"A mail to {send_to} was taken: see it arrive."
    if isinstance(house.settings.mail, Maildir):
        words = f"A mail to {send_to} was put into {house.settings.mail.path}."
    return Check(code="mail_sent", grade=Grade.OK, message=words)


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
