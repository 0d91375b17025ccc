"""`cadans doctor mail`: will mail of this house arrive?"""

import json
import sys

import click
from rich.console import Console
from rich.markup import escape

from app.doctor.mail import MailSetup, check_mail, domain_of
from app.doctor.names import DnsAddressInvalid, Names
from app.doctor.report import Check, Grade, exit_code
from app.doctor.screen import SIGNS
from app.setting_values import Smtp
from app.settings import Settings

WRONG_ARGUMENTS = 2


@click.command("mail")
@click.option(
    "--dkim-selector", metavar="S", help="What stands behind s= in the DKIM-Signature of a mail."
)
@click.option(
    "--dns", "server", metavar="ADDRESS", help="Ask this name server, not those of the system."
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of words.")
def mail(*, dkim_selector: str | None, server: str | None, is_json: bool) -> None:
    """Look in the DNS whether mail of this house is likely to arrive: SPF, DKIM, DMARC, MX.

    The sender is CADANS_MAIL_FROM. What is missing comes with the record to publish. Nothing is
    sent.

    Exit code: 0 it works (perhaps with remarks), 1 something does not work, 2 wrong arguments.
    """
    settings = Settings.from_env()
    try:
        names = Names(server)
    except DnsAddressInvalid as error:
        click.echo(f"cadans doctor: {error}", err=True)
        sys.exit(WRONG_ARGUMENTS)
    checks = check_mail(names, _setup(settings, dkim_selector))
    _say(domain_of(settings.mail_from), checks, is_json=is_json)
    sys.exit(exit_code(checks))


def _setup(settings: Settings, dkim_selector: str | None) -> MailSetup:
    hooks = (settings.hook_ses, settings.hook_postmark, settings.hook_mailgun)
    return MailSetup(
        mail_from=settings.mail_from,
        bounce_address=settings.bounce_address,
        smtp_host=settings.mail.host if isinstance(settings.mail, Smtp) else None,
        dkim_selector=dkim_selector,
        is_read=settings.bounces is not None or any(hooks),
    )


def _say(domain: str, checks: list[Check], *, is_json: bool) -> None:
    if is_json:
        found = {"domain": domain, "checks": [dict(check.as_json()) for check in checks]}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"[bold]Mail from {escape(domain)}[/bold]")
    for check in checks:
        colour, sign = SIGNS[check.grade]
        out.print(f"[{colour}]{sign}[/{colour}]  {escape(check.message)}")
        if check.remedy and check.grade is not Grade.OK:
            out.print(f"      {escape(check.remedy)}")
