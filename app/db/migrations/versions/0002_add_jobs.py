"""Jobs: what waits to be done outside a request, where the database is SQLite.

On PostgreSQL the tables of procrastinate come after the last migration (`app.db.queue_tables`):
they have versions of their own. Taking this migration back takes them away too.
"""

import sqlalchemy as sa
from alembic import op

from app.db import queue_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FAILED = sa.text("failed_at IS NOT NULL")
IS_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=32), nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'failed')", name=op.f("ck_jobs_jobstate")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_state_name", "jobs", ["state", "name"])
    op.create_index(
        "uq_jobs_one_waiting",
        "jobs",
        ["key"],
        unique=True,
        sqlite_where=IS_WAITING,
        postgresql_where=IS_WAITING,
    )
    op.create_table(
        "task_troubles",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("rests_until", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task_troubles")),
    )
    # What failed is listed, and is rare.
    op.create_index(
        "ix_outbox_failed", "outbox", ["failed_at"], sqlite_where=FAILED, postgresql_where=FAILED
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_outbox_failed", "outbox")
    queue_tables.drop(op.get_bind())
    op.drop_table("task_troubles")
    op.drop_table("jobs")
