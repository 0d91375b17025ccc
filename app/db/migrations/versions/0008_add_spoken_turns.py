"""Spoken turns: the audio of the items at the turns of a subscription."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
KINDS = (
    *("welcome", "paused", "resumed", "complete"),
    *("ended", "restarted", "address-changed", "address-closed"),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spoken_turns",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="turnkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("put_back_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_spoken_turns_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spoken_turns")),
        sa.UniqueConstraint(
            "course_id", "kind", "number", name=op.f("uq_spoken_turns_course_id_kind_number")
        ),
        sa.UniqueConstraint("object_key", name=op.f("uq_spoken_turns_object_key")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("spoken_turns")
