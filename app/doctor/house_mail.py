"""The mail server of the house: it answers, knows us, and takes a mail when one is asked for."""

import smtplib
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from app.clock import system_clock
from app.doctor.report import Check, Grade
from app.errors import CadansError
from app.house import House
from app.mail.transport import connect
from app.setting_values import Maildir, Smtp


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
    except smtplib.SMTPAuthenticationError as error:
        words = f"The mail server {where} does not know us ({error.smtp_code})."
        return _fail("mail", words, "Mend the user and password in CADANS_MAIL.")
    except (OSError, smtplib.SMTPException) as error:
        words = f"The mail server {where} cannot be used ({type(error).__name__})."
        remedy = "Mend host, port and tls= in CADANS_MAIL, and see that a firewall lets mail out."
        return _fail("mail", words, remedy)
    who = "knows us" if target.user else "answers; no user is set"
    return Check(code="mail", grade=Grade.OK, message=f"The mail server {where} {who}.")


def _send(house: House, send_to: str) -> Check:
    message = EmailMessage()
    message["From"], message["To"] = house.settings.mail_from, send_to
    message["Subject"] = "Cadans: a mail to see whether mail arrives"
    message["Date"] = format_datetime(system_clock())
    message["Message-ID"] = make_msgid(domain="cadans.invalid")
    message.set_content(f"This mail was asked for by `cadans doctor` of {house.settings.base_url}.")
    try:
        house.mail.send(message)
    except CadansError as error:
        words = f"The test mail was not taken ({error})."
        return _fail("mail_sent", words, "See that CADANS_MAIL_FROM may send by this server.")
    return Check(
        code="mail_sent", grade=Grade.OK, message=f"A mail to {send_to} was taken: see it arrive."
    )


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
