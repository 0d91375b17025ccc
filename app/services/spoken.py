"""What is said at the turns of the subscriptions of a course: ours, or her own recording.

An owner's file is heard to the end before it is taken: it lasts a minute at most, so that takes a
second. Whatever an address once gave, it gives for as long as the course is there.
"""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db.models import SpokenTurn
from app.errors import SpokenRefused, SpokenTooLong
from app.house import House
from app.services import revisions
from app.services.hearing import Heard, hear
from feeds.messages import TurnKind
from media.findings import Code, Finding, finding_from_json
from media.keys import new_object_key
from media.limits import DecodeLimits
from media.receive import Received, receive
from media.rules import Expectations
from media.store import CHUNK_BYTES, StoredObject

MAX_NAME_CHARS: Final = 255
# Our own choices. An app plays it between two lessons: who hears it wants to go on.
LONGEST: Final = timedelta(seconds=60)
# A minute of the best MP3 there is has 2.4 MB; a picture inside may be as large again.
MOST_BYTES: Final = 8_000_000
# A file that claims a minute and holds hours is stopped here.
_LIMITS: Final = DecodeLimits(wall=timedelta(seconds=30), processor=timedelta(seconds=30))
# Any length up to a minute is right, and a picture is of no use: apps show the course's cover.
_EXPECTED: Final = Expectations(target=LONGEST / 2, tolerance=LONGEST / 2, max_bytes=MOST_BYTES)
_BESIDE_THE_POINT: Final = frozenset({Code.NO_COVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """A file as an owner sends it."""

    name: str
    chunks: Iterable[bytes]


def own_of(session: Session, course_id: int) -> list[SpokenTurn]:
    """Answer every recording of the owner's own, the newest last."""
    query = select(SpokenTurn).where(SpokenTurn.course_id == course_id)
    return list(session.scalars(query.order_by(SpokenTurn.kind, SpokenTurn.number)))


def in_use(own: Iterable[SpokenTurn]) -> dict[TurnKind, SpokenTurn]:
    """Answer what takes the place of ours, by kind: the newest, unless it was put back."""
    newest = {each.kind: each for each in own}
    return {kind: each for kind, each in newest.items() if each.put_back_at is None}


def findings_of(turn: SpokenTurn) -> tuple[Finding, ...]:
    """Answer what was found about a recording; `media.words` says it in words."""
    return tuple(finding_from_json(cast("Mapping[str, object]", kept)) for kept in turn.findings)


def replace(
    house: House, course_id: int, kind: TurnKind, file: OwnFile, *, now: datetime
) -> SpokenTurn:
    """Put a recording in the place of the one that is said now; nothing is held in memory.

    Raises:
        SpokenRefused: it cannot be used; nothing was kept.
        FileTooBig: it is larger than MOST_BYTES.
        StoreError: the store does not take it.
    """
    with tempfile.TemporaryDirectory(prefix="cadans-spoken-") as folder:
        received = receive(file.chunks, Path(folder), MOST_BYTES)
        heard = _judge(received, file.name)
        stored = _store(house, course_id, received, heard)
    with house.database.writing() as session:
        return _record(session, course_id, kind, (file.name, stored, heard), now=now)


def put_back(session: Session, course_id: int, kind: TurnKind, *, now: datetime) -> None:
    """Say again what ships; the owner's recording plays on where an app has its address."""
    revisions.lock_course(session, course_id)
    session.execute(
        update(SpokenTurn)
        .where(
            SpokenTurn.course_id == course_id,
            SpokenTurn.kind == kind,
            SpokenTurn.put_back_at.is_(None),
        )
        .values(put_back_at=now)
    )
    revisions.note_shown(session, course_id, now=now)


def _judge(received: Received, name: str) -> Heard:
    """Hear it as a lesson is heard, and refuse what lasts too long besides."""
    heard = hear(received, name, _EXPECTED, _LIMITS)
    if heard.is_refused or heard.duration_ms is None:
        raise SpokenRefused(heard.findings)
    if any(finding.code == Code.TOO_LONG for finding in heard.findings):
        raise SpokenTooLong(round(heard.duration_ms / 1000), int(LONGEST.total_seconds()))
    return heard


def _store(house: House, course_id: int, received: Received, heard: Heard) -> StoredObject:
    """Object first, row second; what a crash leaves between the two is swept."""
    found = heard.facts.format
    key = new_object_key(course_id, found.extension)
    with received.path.open("rb") as file:
        chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
        return house.store.put(key, chunks, found.media_type)


def _record(
    session: Session,
    course_id: int,
    kind: TurnKind,
    arrived: tuple[str, StoredObject, Heard],
    *,
    now: datetime,
) -> SpokenTurn:
    name, stored, heard = arrived
    revisions.lock_course(session, course_id)
    last = session.scalar(
        select(func.max(SpokenTurn.number)).where(
            SpokenTurn.course_id == course_id, SpokenTurn.kind == kind
        )
    )
    turn = SpokenTurn(
        course_id=course_id,
        kind=kind,
        number=(last or 0) + 1,
        object_key=stored.key,
        file_name=name[-MAX_NAME_CHARS:],
        extension=stored.key.rpartition(".")[2],
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        sha256=heard.sha256,
        duration_ms=heard.duration_ms or 0,
        findings=[each.as_json() for each in heard.findings if each.code not in _BESIDE_THE_POINT],
        created_at=now,
    )
    session.add(turn)
    session.flush()
    revisions.note_shown(session, course_id, now=now)
    return turn
