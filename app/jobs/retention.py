"""What is old goes, after as many days as the settings say."""

from datetime import UTC, timedelta
from typing import Final

import structlog

from app.house import House
from app.jobs.worker import Task
from app.services import retention

log = structlog.get_logger()


def run(house: House) -> int:
    """Throw away one batch of each kind; answer how much that was."""
    settings, now = house.settings, house.clock()
    with house.database.writing() as session:
        day = (now - settings.keep_fetches).astimezone(UTC).date()
        fetches = retention.forget_fetches(session, before=day)
        mails = retention.forget_mails_of_nobody(session, before=now - settings.keep_mails)
    erased = 0
    if settings.keep_left is not None:
        with house.database.writing() as session:
            erased = retention.erase_left(session, before=now - settings.keep_left, now=now)
    if fetches or mails or erased:
        log.info("forgotten", fetches=fetches, mails=mails, listeners=erased)
    return fetches + mails + erased


RETENTION: Final = Task(name="retention", every=timedelta(hours=1), run=run)
