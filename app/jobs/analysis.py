"""Judges recordings that have arrived: one at a time, each read once.

A recording that arrives wakes this task; that it comes round finds what was left by a worker that
died, or waits for the store.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.errors import RecordingNotFound
from app.house import House
from app.jobs.worker import Task
from app.services import recordings
from media.errors import MediaError

log = structlog.get_logger()


def run(house: House) -> int:
    """Analyse the recording that waits longest; answer 1, or 0 when none waits.

    When the store, ffmpeg or the disk stands in the way, the recording waits on; that is logged.
    """
    with house.database.writing() as session:
        recording_id = recordings.claim(session, now=house.clock())
    if recording_id is None:
        return 0
    try:
        with _lease_renewed(house, recording_id):
            recordings.analyse(house, recording_id)
    except RecordingNotFound:
        log.info("recording_gone", recording=recording_id)
    except (MediaError, OSError) as error:
        log.warning("analysis_waits", recording=recording_id, why=type(error).__name__)
        with house.database.writing() as session:
            recordings.release(session, recording_id, now=house.clock())
    return 1


@contextmanager
def _lease_renewed(house: House, recording_id: int) -> Iterator[None]:
    """Renew the claim inside, however long it takes: so a dead worker's claim is soon over."""
    is_over = threading.Event()

    def renew() -> None:
        while not is_over.wait(recordings.LEASE.total_seconds() / 3):
            try:
                with house.database.writing() as session:
                    recordings.renew(session, recording_id, now=house.clock())
            except SQLAlchemyError as error:
                log.warning("lease_not_renewed", recording=recording_id, why=type(error).__name__)

    thread = threading.Thread(target=renew, name="cadans-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


ANALYSIS = Task(name=recordings.ANALYSIS, every=timedelta(seconds=15), run=run)
