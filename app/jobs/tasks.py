"""Which tasks a worker runs."""

from app.jobs.analysis import ANALYSIS
from app.jobs.mail import FORGET, MAIL
from app.jobs.sweep import SWEEP
from app.jobs.unlocks import UNLOCKS
from app.jobs.worker import Task

TASKS: tuple[Task, ...] = (UNLOCKS, MAIL, FORGET, ANALYSIS, SWEEP)
