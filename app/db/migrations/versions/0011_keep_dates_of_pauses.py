"""Keep when a feed said that it is paused and that it goes on: dates of items never move."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.add_column("pauses", sa.Column("pub_at", INSTANT, nullable=True))
    op.add_column("pauses", sa.Column("resumed_pub_at", INSTANT, nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("pauses", "resumed_pub_at")
    op.drop_column("pauses", "pub_at")
