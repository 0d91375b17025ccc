"""Judges recordings that have arrived: one at a time, each read once."""

from datetime import timedelta

import structlog

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
        recordings.analyse(house, recording_id)
    except RecordingNotFound:
        log.info("recording_gone", recording=recording_id)
    except (MediaError, OSError) as error:
        log.warning("analysis_waits", recording=recording_id, why=type(error).__name__)
        with house.database.writing() as session:
            recordings.release(session, recording_id, now=house.clock())
    return 1


ANALYSIS = Task(name="analysis", every=timedelta(seconds=1), run=run)
