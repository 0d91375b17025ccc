"""Notices: when a course sends its mail, and what its owner adds to it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TO_COMPLETE = sa.text("ended_at IS NULL AND next_unlock_at IS NULL AND completed_at IS NULL")


def upgrade() -> None:
    """Apply."""
    # In one sentence that both databases know: SQLite makes a table anew for a constraint, and
    # whatever hangs on a course would go with the old one.
    op.execute(
        "ALTER TABLE courses ADD COLUMN mail_hour INTEGER DEFAULT 8"
        " CONSTRAINT ck_courses_mail_hour_of_day CHECK (mail_hour BETWEEN 0 AND 20)"
    )
    op.add_column("courses", sa.Column("next_title", sa.String(length=255), nullable=True))
    op.add_column("courses", sa.Column("next_url", sa.String(length=1000), nullable=True))
    op.add_column(
        "courses", sa.Column("mails_version", sa.Integer(), nullable=False, server_default="1")
    )
    op.create_table(
        "owner_lines",
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("line", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_owner_lines_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("course_id", "template", name=op.f("pk_owner_lines")),
    )
    op.add_column("subscriptions", sa.Column("completed_at", INSTANT, nullable=True))
    op.create_index(op.f("ix_subscriptions_started_at"), "subscriptions", ["started_at"])
    op.create_index(
        "ix_subscriptions_to_complete",
        "subscriptions",
        ["course_id", "id"],
        sqlite_where=TO_COMPLETE,
        postgresql_where=TO_COMPLETE,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_subscriptions_to_complete", table_name="subscriptions")
    op.drop_index(op.f("ix_subscriptions_started_at"), table_name="subscriptions")
    op.drop_column("subscriptions", "completed_at")
    op.drop_table("owner_lines")
    with op.batch_alter_table("courses") as courses:
        courses.drop_constraint(op.f("ck_courses_mail_hour_of_day"), type_="check")
        for column in ("mails_version", "next_url", "next_title", "mail_hour"):
            courses.drop_column(column)
