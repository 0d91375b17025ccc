"""Mail that the passing of time causes: not in an app yet, complete."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from app.house import House
from app.jobs.worker import Task
from app.services import milestones


def run(house: House) -> int:
    """Write what is due into the outbox; answers 0, so that the task rests until its next time."""
    host = urlsplit(house.settings.base_url).hostname or "localhost"
    after: int | None = 0
    while after is not None:
        with house.database.writing() as session:
            after = milestones.complete(session, after=after, host=host, now=house.clock())
    with house.database.writing() as session:
        milestones.nudge(session, host=host, now=house.clock())
    return 0


MILESTONES: Final = Task(name="milestones", every=timedelta(minutes=5), run=run)
