"""Work outside requests: what waits where the database is SQLite, and which tasks go wrong."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, instant, one_of, pk, short_text
from app.kinds import JobState

IS_WAITING = text("state = 'waiting'")


class QueuedJob(Base):
    """One piece of work that waits, runs or failed; done, it is gone. Empty on PostgreSQL.

    There procrastinate keeps its own tables. Instants are those of the true clock.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_name", "state", "name"),
        Index(
            "uq_jobs_one_waiting",
            "key",
            unique=True,
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
    )

    id: Mapped[pk]
    # Which work it is: a name of app/jobs/tasks.py, perhaps that of a newer release.
    name: Mapped[str] = mapped_column(String(64))
    args: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Of one key only one waits. Null: as many as like; also once it was tried in vain.
    key: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[JobState] = mapped_column(one_of(JobState))
    created_at: Mapped[instant]
    # Not before this; null: at once.
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # The process that runs it, and until when it is its alone; null: nobody runs it.
    worker: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    # What went wrong the last time, without addresses; null: nothing yet.
    reason: Mapped[str | None] = mapped_column(Text)


class TaskTrouble(Base):
    """A periodic task that went wrong the last time, on either database; mended, it is gone."""

    __tablename__ = "task_troubles"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    # How often in a row, and since when.
    failures: Mapped[int]
    since_at: Mapped[instant]
    # Not tried again before this.
    rests_until: Mapped[instant]
    # What went wrong, without addresses.
    reason: Mapped[short_text]
