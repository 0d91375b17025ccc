"""Suppressions: addresses that take no mail, and why; how fast each domain takes it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "suppressions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "hard_bounce",
                "refused",
                "complaint",
                "asked",
                name="suppressionreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("suppressed_at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("diagnostic", sa.String(length=64), nullable=True),
        sa.Column("let_through_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("email_key", name=op.f("uq_suppressions_email_key")),
    )
    op.create_table(
        "mail_domains",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("minute_at", INSTANT, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("held_until", INSTANT, nullable=True),
        sa.Column("holds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_mail_domains")),
    )
    op.create_table(
        "hook_tokens",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_hook_tokens")),
    )
    op.create_index(op.f("ix_hook_tokens_seen_at"), "hook_tokens", ["seen_at"])
    op.add_column("listeners", sa.Column("mail_works_since", INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("paced_at", INSTANT, nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("outbox", "paced_at")
    op.drop_column("listeners", "mail_works_since")
    op.drop_index(op.f("ix_hook_tokens_seen_at"), table_name="hook_tokens")
    op.drop_table("hook_tokens")
    op.drop_table("mail_domains")
    op.drop_table("suppressions")
