"""Changes mailboxes that owners asked for, once the old one had its days to say no."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog

from app.house import House
from app.jobs.worker import Task
from app.services import email_moves

log = structlog.get_logger()


def move_due(house: House) -> int:
    """Change what is due; answers 0, so that the task rests until its next time."""
    host = urlsplit(house.settings.base_url).hostname or "localhost"
    with house.database.writing() as session:
        moved = email_moves.make_due(session, host=host, now=house.clock())
    if moved:
        log.info("mailboxes_moved", count=moved)
    return 0


MOVING: Final = Task(name="moving", every=timedelta(minutes=5), run=move_due)
