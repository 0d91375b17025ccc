"""Which tasks a worker runs."""

from app.jobs.worker import Task

TASKS: tuple[Task, ...] = ()
