"""Throws away what nobody will come back for: uploads whose time is over, objects without a row."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import system_clock
from app.db.models import Course, Recording, SpokenTurn, Upload
from app.house import House
from app.jobs.worker import Task
from app.kinds import UploadState
from app.services import uploads
from media.keys import ObjectKey

log = structlog.get_logger()

# An object gets its row moments after it was made. A day leaves room for a clock that is wrong.
ORPHAN_AGE = timedelta(days=1)
# How many keys are looked up in one question to the database.
BATCH = 500


def run(house: House) -> int:
    """Sweep once; answers 0, so that the task rests until its next time."""
    expired = uploads.expire(house, now=house.clock())
    # The store says when by the true time, which a demo's clock runs ahead of.
    orphans = sweep_objects(house, before=system_clock() - ORPHAN_AGE)
    left = sweep_uploads(house, before=system_clock() - ORPHAN_AGE)
    if expired or orphans or left:
        log.info("swept", uploads=expired, objects=orphans, parts=left)
    return 0


def sweep_objects(house: House, *, before: datetime) -> int:
    """Delete the objects stored before that instant which no row knows; answer how many."""
    deleted, batch = 0, []
    for found in house.store.list():
        if found.stored_at < before:
            batch.append(found.key)
        if len(batch) == BATCH:
            deleted += _delete_unknown(house, batch)
            batch = []
    return deleted + _delete_unknown(house, batch)


def sweep_uploads(house: House, *, before: datetime) -> int:
    """Abort the store's uploads begun before that instant which no row knows; answer how many."""
    aborted = 0
    for found in list(house.store.open_uploads()):
        if found.begun_at >= before:
            continue
        with house.database.reading() as session:
            is_known = session.scalar(
                select(Upload.id).where(
                    Upload.object_key == found.key, Upload.state == UploadState.OPEN
                )
            )
        if is_known is None:
            house.store.abort_upload(found.key, found.upload_id)
            aborted += 1
    return aborted


def _delete_unknown(house: House, keys: list[ObjectKey]) -> int:
    if not keys:
        return 0
    with house.database.reading() as session:
        unknown = set(keys) - _known(session, keys)
    for key in unknown:
        house.store.delete(key)
    return len(unknown)


def _known(session: Session, keys: list[ObjectKey]) -> set[str]:
    """Answer which of the keys a row names: of something heard, a cover, an upload under way."""
    recordings = session.scalars(select(Recording.object_key).where(Recording.object_key.in_(keys)))
    spoken = session.scalars(select(SpokenTurn.object_key).where(SpokenTurn.object_key.in_(keys)))
    covers = session.scalars(select(Course.cover_key).where(Course.cover_key.in_(keys)))
    under_way = session.scalars(
        select(Upload.object_key).where(
            Upload.object_key.in_(keys), Upload.state == UploadState.OPEN
        )
    )
    return {*recordings, *spoken, *(key for key in covers if key), *under_way}


SWEEP = Task(name="sweep", every=timedelta(hours=1), run=run)
