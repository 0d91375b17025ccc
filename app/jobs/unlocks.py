"""Writes down what unlocked, and puts the news of it into the outbox."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog

from app.errors import PlanChanged
from app.house import House
from app.jobs.worker import Task
from app.services.unlocking import record_due

log = structlog.get_logger()

# Short transactions: on SQLite nobody else writes meanwhile.
BATCH: Final = 200
# A mail may come this much after its lesson; the lesson itself is in the feed on the second.
EVERY: Final = timedelta(seconds=10)


def host_of(house: House) -> str:
    """Answer the host of BASE_URL, which stands in each Message-ID."""
    return urlsplit(house.settings.base_url).hostname or "localhost"


def record_unlocks(house: House) -> int:
    """Record one batch; answer for how many subscriptions."""
    try:
        with house.database.writing() as session:
            return record_due(session, now=house.clock(), limit=BATCH, host=host_of(house))
    except PlanChanged as changed:
        log.info("plan_changed_meanwhile", course=changed.course_id)
        return 1


UNLOCKS: Final = Task(name="unlocks", every=EVERY, run=record_unlocks)
