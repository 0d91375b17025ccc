"""Who asked for the erasures of a day: without a column for them, the listeners themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = ("by_operator", "by_age")


def upgrade() -> None:
    """Apply."""
    for name in COLUMNS:
        op.add_column(
            "erasure_days", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )


def downgrade() -> None:
    """Take back."""
    for name in reversed(COLUMNS):
        op.drop_column("erasure_days", name)
