"""Whether all is well with this house: every look runs beside the others, bounded in time."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.engine import make_url

from app.doctor.report import Check, Grade
from app.setting_values import Smtp
from app.settings import Settings

# An SMTP server may be silent for twenty seconds, a store for half a minute.
LOOK_SECONDS: Final = 40.0
_SHORTEST_SECRET: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One part of the house and how it is looked at; `look` may raise anything."""

    code: str
    look: Callable[[], Sequence[Check]]


def look_around(looks: Sequence[Look], *, seconds: float = LOOK_SECONDS) -> list[Check]:
    """Answer what every look found, in their order. One that fails or hangs stops no other."""
    found: dict[str, Sequence[Check]] = {}
    threads = []
    for look in looks:
        # A daemon: one that hangs does not keep the command from ending.
        thread = threading.Thread(target=_run, args=(look, found), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(seconds)
    return [check for look in looks for check in found.get(look.code, [_silent(look, seconds)])]


def without_secrets(checks: Iterable[Check], secrets: Sequence[str]) -> list[Check]:
    """Answer the same findings with every secret taken out of their words."""
    return [
        replace(
            check,
            message=_masked(check.message, secrets),
            remedy=_masked(check.remedy, secrets),
        )
        for check in checks
    ]


def secrets_of(settings: Settings) -> list[str]:
    """Answer what must never be printed."""
    mail = settings.mail.password if isinstance(settings.mail, Smtp) else None
    found = [
        make_url(settings.database_url).password,
        mail,
        *settings.secret_keys,
        *(key.hex() for key in settings.feed_keys.secrets.values()),
    ]
    return [secret for secret in found if secret and len(secret) >= _SHORTEST_SECRET]


def _run(look: Look, found: dict[str, Sequence[Check]]) -> None:
    try:
        found[look.code] = look.look()
    except Exception as error:  # noqa: BLE001 (whatever one look trips over, the others go on)
        found[look.code] = [
            Check(
                code=look.code,
                grade=Grade.FAIL,
                message=f"The look at {look.code} broke off ({type(error).__name__}).",
                remedy="Mend what is said above and below, then look again.",
            )
        ]


def _silent(look: Look, seconds: float) -> Check:
    return Check(
        code=look.code,
        grade=Grade.FAIL,
        message=f"The look at {look.code} had no answer within {seconds:.0f} seconds.",
        remedy="See whether it runs, and whether a firewall swallows what this machine sends.",
    )


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "…")
    return text
