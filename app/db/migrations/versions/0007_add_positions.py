"""Positions: where she was in a lesson; erasures that wait out their day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    _add_positions()
    _add_erasures()
    _let_confirmations_know_their_listener()


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_confirmations_listener_id", table_name="confirmations")
    op.drop_column("confirmations", "listener_id")
    op.drop_table("erasure_days")
    op.drop_table("erasures")
    op.drop_table("positions")


def _add_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("lesson_id", ROW_ID, nullable=False),
        sa.Column("position_ms", sa.BigInteger(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("position_ms >= 0", name=op.f("ck_positions_position_in_the_lesson")),
        sa.CheckConstraint(
            "heard_ms >= position_ms", name=op.f("ck_positions_heard_what_she_was_at")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_positions_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_positions_lesson_id_lessons"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_positions")),
        sa.UniqueConstraint(
            "subscription_id", "lesson_id", name=op.f("uq_positions_subscription_id_lesson_id")
        ),
    )
    op.create_index("ix_positions_lesson_id", "positions", ["lesson_id"])


def _add_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("listener_id", ROW_ID, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listeners.id"],
            name=op.f("fk_erasures_listener_id_listeners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("listener_id", name=op.f("uq_erasures_listener_id")),
    )
    op.create_index("ix_erasures_due_at", "erasures", ["due_at"])
    op.create_table(
        "erasure_days",
        sa.Column("erased_on", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_erasure_days_a_day_with_erasures")),
        sa.PrimaryKeyConstraint("erased_on", name=op.f("pk_erasure_days")),
    )


def _let_confirmations_know_their_listener() -> None:
    op.add_column("confirmations", sa.Column("listener_id", ROW_ID, nullable=True))
    op.create_index("ix_confirmations_listener_id", "confirmations", ["listener_id"])
