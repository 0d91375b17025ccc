"""Leak signals: why an address may have leaked, and what the owner wants done."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _subscription(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["subscription_id"],
        ["subscriptions.id"],
        name=op.f(f"fk_{table}_subscription_id_subscriptions"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fetch_networks",
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=8), nullable=False),
        _subscription("fetch_networks"),
        sa.PrimaryKeyConstraint(
            "subscription_id", "seen_on", "sha256", name=op.f("pk_fetch_networks")
        ),
    )
    op.create_index(op.f("ix_fetch_networks_seen_on"), "fetch_networks", ["seen_on"])
    op.create_table(
        "leak_signals",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column(
            "kind",
            _one_of("signalkind", "subscribers", "directory", "apps", "networks"),
            nullable=False,
        ),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("names", sa.String(length=255), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_leak_signals_something_was_seen")),
        _subscription("leak_signals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leak_signals")),
        sa.UniqueConstraint(
            "subscription_id",
            "kind",
            "seen_on",
            name=op.f("uq_leak_signals_subscription_id_kind_seen_on"),
        ),
    )
    op.create_index(op.f("ix_leak_signals_seen_on"), "leak_signals", ["seen_on"])
    op.create_table(
        "leak_cases",
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("step", _one_of("leakanswer", "show", "tell", "offer", "pause"), nullable=False),
        sa.Column("stepped_at", INSTANT, nullable=False),
        sa.Column("dismissed_at", INSTANT, nullable=True),
        _subscription("leak_cases"),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_leak_cases")),
    )
    # In one sentence that both databases know: SQLite makes a table anew for a constraint, and
    # whatever hangs on a course would go with the old one.
    op.execute(
        "ALTER TABLE courses ADD COLUMN leak_answer VARCHAR(32) DEFAULT 'show' NOT NULL"
        " CONSTRAINT ck_courses_leakanswer"
        " CHECK (leak_answer IN ('show', 'tell', 'offer', 'pause'))"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("courses", "leak_answer")
    op.drop_table("leak_cases")
    op.drop_index(op.f("ix_leak_signals_seen_on"), table_name="leak_signals")
    op.drop_table("leak_signals")
    op.drop_index(op.f("ix_fetch_networks_seen_on"), table_name="fetch_networks")
    op.drop_table("fetch_networks")
