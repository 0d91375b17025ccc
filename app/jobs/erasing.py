"""Erases listeners whose day to think again is over."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog

from app.house import House
from app.jobs.worker import Task
from app.services import erasing

log = structlog.get_logger()


def erase_next(house: House) -> int:
    """Erase one listener, if one is due; answer how many that was."""
    host = urlsplit(house.settings.base_url).hostname or "localhost"
    with house.database.writing() as session:
        was_due = erasing.carry_out_next(session, host=host, now=house.clock())
    if was_due:
        log.info("listener_erased")
    return int(was_due)


ERASING: Final = Task(name="erasing", every=timedelta(minutes=1), run=erase_next)
