"""Paces: what a listener may change about her rhythm, her address and her calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("courses") as batch:
        batch.add_column(
            sa.Column("may_hurry", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("subscriptions") as batch:
        batch.add_column(sa.Column("pace_place", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("pace_slot_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("paced_at", INSTANT, nullable=True))
        batch.add_column(
            sa.Column("calendar_epoch", sa.Integer(), nullable=False, server_default="1")
        )
    op.create_table(
        "overrides",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("lesson_id", ROW_ID, nullable=False),
        sa.Column("unlock_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_overrides_lesson_id_lessons"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_overrides_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
        sa.UniqueConstraint(
            "subscription_id", "lesson_id", name=op.f("uq_overrides_subscription_id_lesson_id")
        ),
    )
    with op.batch_alter_table("overrides") as batch:
        batch.create_index(batch.f("ix_overrides_lesson_id"), ["lesson_id"], unique=False)
    op.create_table(
        "email_changes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("listener_id", ROW_ID, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("old_said_yes_at", INSTANT, nullable=True),
        sa.Column("new_said_yes_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listeners.id"],
            name=op.f("fk_email_changes_listener_id_listeners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
        sa.UniqueConstraint("listener_id", name=op.f("uq_email_changes_listener_id")),
    )
    with op.batch_alter_table("email_changes") as batch:
        batch.create_index(batch.f("ix_email_changes_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("email_changes")
    op.drop_table("overrides")
    with op.batch_alter_table("subscriptions") as batch:
        batch.drop_column("calendar_epoch")
        batch.drop_column("paced_at")
        batch.drop_column("pace_slot_at")
        batch.drop_column("pace_place")
    with op.batch_alter_table("courses") as batch:
        batch.drop_column("may_hurry")
