"""Mail: what somebody waits for goes first; bounces that pass; mailboxes that owners had moved."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
WAITED_FOR = sa.text("sent_at IS NULL AND failed_at IS NULL AND is_waited_for")


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "outbox",
        sa.Column("is_waited_for", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_outbox_waited_for",
        "outbox",
        ["due_at"],
        sqlite_where=WAITED_FOR,
        postgresql_where=WAITED_FOR,
    )
    op.execute(
        "UPDATE outbox SET is_waited_for = true WHERE sent_at IS NULL AND failed_at IS NULL"
        " AND template IN ('confirm', 'sign_in', 'email_change', 'password_reset')"
    )
    op.create_table(
        "soft_bounces",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("diagnostic", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_soft_bounces")),
        sa.UniqueConstraint("email_key", name=op.f("uq_soft_bounces_email_key")),
    )
    # Without a foreign key: SQLite adds one only by copying the table.
    op.add_column("email_changes", sa.Column("account_id", ROW_ID, nullable=True))
    op.add_column("email_changes", sa.Column("old_said_no_at", INSTANT, nullable=True))
    _create_email_moves()


def _create_email_moves() -> None:
    op.create_table(
        "email_moves",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("listener_id", ROW_ID, nullable=False),
        sa.Column("account_id", ROW_ID, nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("moved_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_email_moves_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listeners.id"],
            name=op.f("fk_email_moves_listener_id_listeners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_moves")),
    )
    op.create_index(op.f("ix_email_moves_account_id"), "email_moves", ["account_id"])
    op.create_index(op.f("ix_email_moves_listener_id"), "email_moves", ["listener_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_email_moves_listener_id"), table_name="email_moves")
    op.drop_index(op.f("ix_email_moves_account_id"), table_name="email_moves")
    op.drop_table("email_moves")
    op.drop_column("email_changes", "old_said_no_at")
    op.drop_column("email_changes", "account_id")
    op.drop_table("soft_bounces")
    op.drop_index("ix_outbox_waited_for", table_name="outbox")
    op.drop_column("outbox", "is_waited_for")
