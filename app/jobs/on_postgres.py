"""The engine on PostgreSQL: procrastinate, with a queue and a worker of its own for each name.

So a slow job holds up no other name, any number of processes on any number of hosts share what
waits, and a process never takes what it does not know: a name of a newer release waits for a worker
of that release. All of a process's workers run in one thread's event loop, their jobs in threads.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, cast

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job

from app.clock import system_clock
from app.db import queue
from app.house import House
from app.jobs.relief import HEARTBEAT_SECONDS, SILENCE_SECONDS, Relief
from app.jobs.work import (
    BACKOFF,
    Task,
    Work,
    reason_of,
    run_errand,
    run_task,
)

log = structlog.get_logger()

# How often each worker asks for a job: the most that a deferred job waits for its start.
LOOK_SECONDS: Final = 1.0
# How long a worker rests that lost the database.
REST_SECONDS: Final = 2.0
# How long no job ran before what was told to end, and goes on, is told again.
IDLE_SECONDS: Final = 1.0
CONNECTIONS: Final = 4


class TriedInVain(Exception):
    """A job went wrong; what and why stand in its row and in the log, without secrets."""


class Backoff(BaseRetryStrategy):
    """Tries again after a while, until the attempts are used up."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Answer when; None: it has failed."""
        del exception
        if job.attempts >= len(BACKOFF):
            log.error("job_failed", job=job.id, name=job.task_name)
            return None
        return RetryDecision(retry_at=system_clock() + BACKOFF[job.attempts])


class PostgresEngine:
    """One thread with an event loop; it outlives restarts of the database."""

    def __init__(self, house: House, works: Sequence[Work]) -> None:
        self._house = house
        self._works = works
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="cadans-jobs", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt = asyncio.Event()
        self._relief = Relief(house, [work.name for work in works])

    def start(self) -> None:
        """Start the thread."""
        # It logs arguments and errors in full; what must be known is said here, without secrets.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._thread.start()

    def stop(self, timeout: timedelta | None) -> bool:
        """Let every job finish, and sign the workers off."""
        self._stopping.set()
        if self._loop is not None:
            # The loop is closed when we were stopped before.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._halt.set)
        self._thread.join(None if timeout is None else timeout.total_seconds())
        return not self._thread.is_alive()

    def _main(self) -> None:
        # A thread for each name, so that none waits for another's; two for what we ask ourselves.
        with (
            ThreadPoolExecutor(len(self._works) + 2, thread_name_prefix="cadans-job") as threads,
            asyncio.Runner() as runner,
        ):
            self._loop = runner.get_loop()
            self._loop.set_default_executor(threads)
            if self._stopping.is_set():
                self._halt.set()
            runner.run(self._until_halt())

    async def _until_halt(self) -> None:
        while not self._halt.is_set():
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 (a worker outlives its database)
                log.warning("database_lost", reason=reason_of(error))
                await self._rest(REST_SECONDS)

    async def _work(self) -> None:
        """Open a pool, and run all workers and timers over it until we halt."""
        app = self._make_app()
        async with app.open_async():
            running = [
                *(self._lane(app, work.name) for work in self._works),
                *(self._timer(app, work) for work in self._works if isinstance(work, Task)),
                self._lane(app, queue.TAKE_OVER),
                self._relief.settle_again(app),
            ]
            await self._run_until_halt(running)

    async def _run_until_halt(self, coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
        """Run them all; one that ends by itself is a fault of ours, and all begin anew."""
        tasks = [asyncio.create_task(each) for each in (self._halt.wait(), *coroutines)]
        done, _running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await self._end(tasks)
        for task in done:
            task.result()

    async def _end(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Cancel them all, and again while no job runs.

        A cancellation that meets the answer of the database is lost (asyncio.wait_for of
        Python 3.11); a worker that is cancelled twice would not wait for its job.
        """
        running = set(tasks)
        for task in running:
            task.cancel()
        while running:
            _done, running = await asyncio.wait(running, timeout=IDLE_SECONDS)
            if self._relief.has_rested(IDLE_SECONDS):
                for task in running:
                    task.cancel()

    def _make_app(self) -> App:
        url = self._house.database.engine.url.set(drivername="postgresql")
        app = App(
            connector=PsycopgConnector(
                conninfo=url.render_as_string(hide_password=False),
                min_size=1,
                max_size=CONNECTIONS,
            )
        )
        for work in self._works:
            self._register(app, work)
        self._relief.register(app)
        return app

    def _register(self, app: App, work: Work) -> None:
        def run(context: JobContext, /, **values: object) -> None:
            self._carry_out(work, context.job, values)

        app.task(name=work.name, queue=work.name, pass_context=True, retry=Backoff())(run)

    async def _lane(self, app: App, name: str) -> None:
        """Run procrastinate's worker for one name; it ends with every loss of the database."""
        while not self._halt.is_set():
            try:
                await app.run_worker_async(
                    queues=[name],
                    name=name,
                    fetch_job_polling_interval=LOOK_SECONDS,
                    listen_notify=False,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=SILENCE_SECONDS,
                )
                log.warning("worker_restarts", name=name)
            except Exception as error:  # noqa: BLE001 (a worker outlives its database)
                log.warning("worker_restarts", name=name, reason=reason_of(error))
            await self._rest(REST_SECONDS)

    async def _timer(self, app: App, task: Task) -> None:
        """Defer a task every so often: once for the whole house, whoever comes first."""
        every, last = task.every.total_seconds(), -1
        while True:
            now = system_clock().timestamp()
            slot = int(now // every)
            if slot != last and await self._defer_slot(app, task, int(slot * every)):
                last = slot
            # Looks again before a long time is over: the clock may have been set.
            await asyncio.sleep(min(every - now % every, 60) + 0.01)

    async def _defer_slot(self, app: App, task: Task, timestamp: int) -> bool:
        """Defer the task for one slot of time; False: the database does not answer."""
        deferrer = app.configure_task(
            task.name,
            queue=task.name,
            queueing_lock=task.name,
            task_kwargs={"timestamp": timestamp},
        )
        try:
            await app.job_manager.defer_periodic_job(
                job=deferrer.job, periodic_id="", defer_timestamp=timestamp
            )
        except AlreadyEnqueued:
            return True
        except Exception as error:  # noqa: BLE001 (a timer outlives its database)
            log.warning("task_not_deferred", task=task.name, reason=reason_of(error))
            return False
        return True

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._halt.wait(), seconds)
        except TimeoutError:
            return

    def _carry_out(self, work: Work, job: Job, values: dict[str, object]) -> None:
        """Run one job, in a thread, and remember that it ended."""
        self._relief.began(job)
        try:
            self._run(work, job, values)
        finally:
            self._relief.ended(job)

    def _run(self, work: Work, job: Job, values: dict[str, object]) -> None:
        is_stopping = self._stopping.is_set
        if isinstance(work, Task):
            call_help = lambda: self._defer(work.name, {}, key=work.name)  # noqa: E731
            run_task(self._house, work, is_stopping=is_stopping, call_help=call_help)
            return
        args = cast("dict[str, Any]", values.get("args", {}))
        try:
            is_done = run_errand(self._house, work, args, is_stopping=is_stopping)
        except Exception as error:  # noqa: BLE001 (whatever it is, the job is tried again)
            self._relief.note_failure(job, reason_of(error), error)
            raise TriedInVain(work.name) from None
        if not is_done:
            self._defer(work.name, args)

    def _defer(self, name: str, args: dict[str, Any], *, key: str | None = None) -> None:
        with self._house.database.writing() as session:
            queue.defer(session, name, args, key=key)
