"""Mail is sent, and what was promised to be forgotten is forgotten."""

from datetime import timedelta

from app.jobs.worker import Task
from app.services import mailing

MAIL = Task(name="mail", every=timedelta(seconds=2), run=mailing.send_due)
FORGET = Task(name="forget", every=timedelta(minutes=10), run=mailing.forget_old)
