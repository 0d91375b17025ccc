"""The worker of one process: the engine that the house's database asks for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from app.house import House
from app.jobs.local import LocalEngine
from app.jobs.work import Errand, Task, Work

__all__ = ["Engine", "Errand", "Task", "Worker"]


class Engine(Protocol):
    """Carries work out in threads of its own, each name in turn, one job of a name at a time.

    A slow job holds up no other name. What no name here is known for is left where it is.
    """

    def start(self) -> None:
        """Start, once; answers at once."""

    def stop(self, timeout: timedelta | None) -> bool:
        """Take nothing new and let what runs finish, for at most `timeout` (None: for ever).

        False: something still runs; it dies with the process and is taken over by the next one.
        """


class Worker:
    """Runs tasks and errands until it is told to stop."""

    def __init__(self, house: House, tasks: Sequence[Task], errands: Sequence[Errand] = ()) -> None:
        self._engine = _engine_of(house, (*tasks, *errands))

    def start(self) -> None:
        """Start everything."""
        self._engine.start()

    def stop(self, timeout: timedelta | None = timedelta(seconds=20)) -> bool:
        """Let each job finish what it has in hand; False when some did not in time."""
        return self._engine.stop(timeout)


def _engine_of(house: House, works: Sequence[Work]) -> Engine:
    if house.database.engine.dialect.name != "postgresql":
        return LocalEngine(house, works)
    # Whoever has SQLite need not wait until procrastinate is loaded.
    from app.jobs.on_postgres import PostgresEngine  # noqa: PLC0415

    return PostgresEngine(house, works)
