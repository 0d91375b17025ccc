"""Addresses that seem to have leaked are answered as far as their owners allow."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from app.house import House
from app.jobs.worker import Task
from app.services import leaks


def run(house: House) -> int:
    """Take every step that is due; answers 0, so that the task rests until its next time."""
    host = urlsplit(house.settings.base_url).hostname or "localhost"
    with house.database.writing() as session:
        leaks.take_steps(session, host=host, now=house.clock())
        leaks.forget_old(session, kept_for=house.settings.keep_signs, now=house.clock())
    return 0


LEAKS: Final = Task(name="leaks", every=timedelta(minutes=10), run=run)
