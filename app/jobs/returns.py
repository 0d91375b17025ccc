"""Reads the mailbox that mail comes back to."""

from datetime import timedelta
from typing import Final

import structlog

from app.house import House
from app.jobs.worker import Task
from app.mail.boxes import BoxUnreachable, Returned, open_box
from app.mail.reports import read_report
from app.services import returns

log = structlog.get_logger()

BATCH: Final = 100
EVERY: Final = timedelta(minutes=5)


def read_returns(house: House) -> int:
    """Act on what came back; answer how many mails were looked at.

    A mail is marked only after what it told is committed: a worker killed between the two reads it
    again, which changes nothing.
    """
    target = house.settings.bounces
    if target is None:
        return 0
    done = 0
    try:
        with open_box(target) as box:
            for mail in list(box.unseen(BATCH)):
                box.looked_at(mail.key, is_report=_take(house, mail))
                done += 1
    except BoxUnreachable as error:
        log.warning("bounces_not_read", error=str(error))
        return 0
    return done


def _take(house: House, mail: Returned) -> bool:
    """Act on one mail; answer whether it was a report."""
    reports = read_report(mail.raw or b"", bounce_address=house.settings.bounce_address)
    if not reports:
        return False
    with house.database.writing() as session:
        for report in reports:
            returns.take(session, report, source="mailbox", is_trusted=False, now=house.clock())
    return True


RETURNS: Final = Task(name="returns", every=EVERY, run=read_returns)
