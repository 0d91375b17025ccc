"""Whether all is well with this house: every look runs beside the others, bounded in time."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.doctor.report import Check, Grade

# An SMTP server may be silent for twenty seconds, a store for half a minute.
LOOK_SECONDS: Final = 40.0


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


def _run(look: Look, found: dict[str, Sequence[Check]]) -> None:
    try:
        found[look.code] = look.look()
    except DBAPIError:
        words = f"Nobody can tell about {look.code} while the database cannot be read."
        found[look.code] = [Check(code=look.code, grade=Grade.NOTE, message=words)]
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
