"""Jobs on PostgreSQL whose worker is gone, or could not say that they ended, are run again."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from sqlalchemy import text

from app.clock import system_clock
from app.db.queue import TAKE_OVER
from app.house import House
from app.jobs.work import MOST_ATTEMPTS, WORKER_GONE, reason_of

log = structlog.get_logger()

# A process says so often that it lives; one that was silent so long is dead, and its jobs are
# taken over. More than a stop of the database for a restart takes.
HEARTBEAT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 30.0
TAKE_OVER_CRON: Final = "* * * * * */10"
# How long after a job ended its row must say so.
SETTLE_SECONDS: Final = 5.0


class Relief:
    """Looks after jobs of dead workers, whoever's, and after unsettled ones of this process.

    `names` are those that this process runs.
    """

    def __init__(self, house: House, names: Sequence[str]) -> None:
        self._house = house
        self._known = [TAKE_OVER, *names]
        self._unknown: set[str] = set()
        # When which job of ours ended, and on which worker, until its row says so too.
        self._ended: dict[int, tuple[float, int | None]] = {}
        # Which run here now, and since when none did.
        self._running: set[int] = set()
        self._resting_since = time.monotonic()

    def register(self, app: App) -> None:
        """Let the workers of `app` take over what dead ones left, every few seconds.

        By procrastinate's own timer, and not ours: while it runs, its worker notices when the
        heartbeat stops, and ends. Without one it would go on, taken for dead.
        """

        async def take_over(timestamp: int) -> None:
            del timestamp
            stalled = await app.job_manager.get_stalled_jobs(
                seconds_since_heartbeat=SILENCE_SECONDS
            )
            for job in stalled:
                await self._take_over(app, job)
            await asyncio.to_thread(self._say_unknown)

        task = app.task(name=TAKE_OVER, queue=TAKE_OVER, queueing_lock=TAKE_OVER)(take_over)
        app.periodic(cron=TAKE_OVER_CRON)(task)

    def began(self, job: Job) -> None:
        """Take note that this process runs a job."""
        self._running.add(job.id or 0)
        self._ended.pop(job.id or 0, None)

    def ended(self, job: Job) -> None:
        """Take note that it ended, well or not: its row must say so soon."""
        self._resting_since = time.monotonic()
        self._ended[job.id or 0] = (self._resting_since, job.worker_id)
        self._running.discard(job.id or 0)

    def has_rested(self, seconds: float) -> bool:
        """Whether no job of this process ran for so long."""
        return not self._running and time.monotonic() - self._resting_since > seconds

    def note_failure(self, job: Job, reason: str, error: Exception | None = None) -> None:
        """Write down why, and let another job of its key be deferred while this one waits."""
        log.warning("job_went_wrong", job=job.id, name=job.task_name, reason=reason, exc_info=error)
        with self._house.database.writing() as session:
            session.execute(_NOTE, {"id": job.id, "reason": reason})

    async def settle_again(self, app: App) -> None:
        """Find jobs of ours that ended while the database could not be told, and run them again.

        Nobody else would: their worker lives.
        """
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            before = time.monotonic() - SETTLE_SECONDS
            ended = {number: at for number, at in list(self._ended.items()) if at[0] < before}
            try:
                for job in await asyncio.to_thread(self._unsettled, ended):
                    await self._take_over(app, job)
            except Exception as error:  # noqa: BLE001 (tried again in a moment)
                log.warning("jobs_not_settled", reason=reason_of(error))
                continue
            for number, at in ended.items():
                if self._ended.get(number) == at:
                    del self._ended[number]

    async def _take_over(self, app: App, job: Job) -> None:
        """Let a job whose worker is gone be run by another, or give it up after the last try."""
        log.warning("job_taken_over", job=job.id, name=job.task_name)
        manager = app.job_manager
        if job.attempts + 1 >= MOST_ATTEMPTS:
            await asyncio.to_thread(self.note_failure, job, WORKER_GONE)
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)
            return
        try:
            await manager.retry_job(job, retry_at=system_clock())
        except UniqueViolation:
            # Another job of its key waits already, and does the same.
            await manager.finish_job(job, status=Status.SUCCEEDED, delete_job=True)

    def _unsettled(self, ended: Mapping[int, tuple[float, int | None]]) -> list[Job]:
        with self._house.database.reading() as session:
            rows = session.execute(_DOING, {"ids": list(ended)}).mappings().all()
        jobs = [Job.from_row(dict(row)) for row in rows]
        return [job for job in jobs if job.worker_id == ended[job.id or 0][1]]

    def _say_unknown(self) -> None:
        with self._house.database.reading() as session:
            names = set(session.scalars(_UNKNOWN, {"known": self._known}))
        for name in names - self._unknown:
            self._unknown.add(name)
            log.warning("unknown_job_waits", name=name)


_NOTE = text(
    "UPDATE procrastinate_jobs SET queueing_lock = NULL,"
    " args = args || jsonb_build_object('reason', CAST(:reason AS text)) WHERE id = :id"
)
_DOING = text(
    "SELECT id, status::text AS status, task_name, priority, lock, queueing_lock, args,"
    " scheduled_at, queue_name, attempts, worker_id"
    " FROM procrastinate_jobs WHERE id = ANY(:ids) AND status = 'doing'"
)
_UNKNOWN = text(
    "SELECT DISTINCT task_name FROM procrastinate_jobs"
    " WHERE status = 'todo' AND NOT task_name = ANY(:known)"
)
