"""Runs the house's tasks, each in a thread of its own, until it is told to stop.

Nothing is kept here: what waits stands in the tables, is claimed with a lease, and is found again
by the next worker when this one dies.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from app.house import House

log = structlog.get_logger()

# After a failure a task waits this much longer than usual, so that a broken part is not hammered.
REST_AFTER_FAILURE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to do again and again; `run` answers how much it did, 0 makes it rest."""

    name: str
    every: timedelta
    run: Callable[[House], int]


class Worker:
    """The tasks of one process."""

    def __init__(self, house: House, tasks: Sequence[Task]) -> None:
        self._house = house
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._repeat, args=(task,), name=f"cadans-{task.name}", daemon=True
            )
            for task in tasks
        ]

    def start(self) -> None:
        """Start every task."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=20)) -> None:
        """Let each task finish what it has in hand, for at most `timeout` together."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout.total_seconds() / len(self._threads))

    def _repeat(self, task: Task) -> None:
        while not self._stop.is_set():
            rest = self._once(task)
            self._stop.wait(rest.total_seconds())

    def _once(self, task: Task) -> timedelta:
        try:
            done = task.run(self._house)
        except Exception:
            # A worker outlives whatever a task meets.
            log.exception("task_failed", task=task.name)
            return task.every + REST_AFTER_FAILURE
        return timedelta(0) if done else task.every
