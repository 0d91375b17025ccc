"""Mail is sent, and what was promised to be forgotten is forgotten."""

from datetime import timedelta

from app.db import queue
from app.house import House
from app.jobs.worker import Task
from app.services import backlog, mailing


def forget(house: House) -> int:
    """Forget once; answers 0, so that the task rests until its next time."""
    mailing.forget_old(house)
    with house.database.writing() as session:
        queue.forget_failed(session, older_than=backlog.KEPT)
    return 0


MAIL = Task(name="mail", every=timedelta(seconds=2), run=mailing.send_due)
FORGET = Task(name="forget", every=timedelta(minutes=10), run=forget)
