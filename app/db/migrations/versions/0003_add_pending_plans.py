"""Pending plans: a change of rhythm or order that waits until what was due is written down.

And the indexes by which what is due is found however many subscriptions there are: for the whole
house, in one course, and what was computed from an earlier plan. Each ends in the id, so that a
batch comes off an index in order even when a hundred thousand fall due at the same instant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TO_COME = sa.text("next_unlock_at IS NOT NULL")
ALIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pending_plans",
        sa.Column("course_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("listeners", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_pending_plans_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("course_id", name=op.f("pk_pending_plans")),
    )
    op.drop_index("ix_subscriptions_due", table_name="subscriptions")
    op.drop_index("ix_subscriptions_course_id", table_name="subscriptions")
    _index("ix_subscriptions_due", ["next_unlock_at", "id"], TO_COME)
    _index("ix_subscriptions_due_in_course", ["course_id", "next_unlock_at", "id"])
    _index("ix_subscriptions_plan", ["course_id", "next_unlock_plan", "id"], ALIVE)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_subscriptions_plan", table_name="subscriptions")
    op.drop_index("ix_subscriptions_due_in_course", table_name="subscriptions")
    op.drop_index("ix_subscriptions_due", table_name="subscriptions")
    _index("ix_subscriptions_due", ["next_unlock_at"], TO_COME)
    _index("ix_subscriptions_course_id", ["course_id"])
    op.drop_table("pending_plans")


def _index(name: str, columns: list[str], where: sa.TextClause | None = None) -> None:
    op.create_index(name, "subscriptions", columns, sqlite_where=where, postgresql_where=where)
