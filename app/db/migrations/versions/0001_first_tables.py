"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accounts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("last_wrong_try_at", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_key", name=op.f("uq_accounts_email_key")),
    )
    op.create_table(
        "courses",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=True),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=255), nullable=False),
        sa.Column("is_explicit", sa.Boolean(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(
                "private",
                "public",
                name="visibility",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "open",
                "closed",
                "archived",
                name="coursestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("feed_name", sa.String(length=255), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column(
            "rhythm_kind",
            sa.Enum(
                "weekly",
                "every_days",
                "weekday",
                "at_once",
                "fixed_dates",
                name="rhythmkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rhythm_every_days", sa.Integer(), nullable=True),
        sa.Column("rhythm_weekday", sa.Integer(), nullable=True),
        sa.Column("rhythm_hour", sa.Integer(), nullable=True),
        sa.Column("target_ms", sa.BigInteger(), nullable=False),
        sa.Column("tolerance_ms", sa.BigInteger(), nullable=False),
        sa.Column("cover_key", sa.String(length=255), nullable=True),
        sa.Column("cover_number", sa.Integer(), nullable=True),
        sa.Column("cover_type", sa.String(length=64), nullable=True),
        sa.Column("cover_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("revised_at", INSTANT, nullable=False),
        sa.Column("plan_revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "rhythm_every_days BETWEEN 1 AND 365", name=op.f("ck_courses_every_days_in_a_year")
        ),
        sa.CheckConstraint("rhythm_hour BETWEEN 0 AND 23", name=op.f("ck_courses_hour_of_day")),
        sa.CheckConstraint(
            "rhythm_weekday BETWEEN 0 AND 6", name=op.f("ck_courses_weekday_from_monday")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
        sa.UniqueConstraint("cover_key", name=op.f("uq_courses_cover_key")),
        sa.UniqueConstraint("feed_name", name=op.f("uq_courses_feed_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_courses_slug")),
    )
    op.create_table(
        "daily_salts",
        sa.Column("salt_on", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("salt_on", name=op.f("pk_daily_salts")),
    )
    op.create_table(
        "erased_addresses",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("erased_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_erased_addresses")),
    )
    op.create_table(
        "limit_counts",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window_start_at", INSTANT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "window_start_at", name=op.f("pk_limit_counts")),
    )
    with op.batch_alter_table("limit_counts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_limit_counts_window_start_at"), ["window_start_at"], unique=False
        )

    op.create_table(
        "listeners",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listeners")),
        sa.UniqueConstraint("email_key", name=op.f("uq_listeners_email_key")),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("account_id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=True),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_api_tokens_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_api_tokens_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_tokens_sha256")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_tokens_course_id"), ["course_id"], unique=False)

    op.create_table(
        "confirmations",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("email_key", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("consent_version", sa.String(length=32), nullable=False),
        sa.Column("consented_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "used_at IS NOT NULL OR email IS NOT NULL",
            name=op.f("ck_confirmations_address_until_used"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_confirmations_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
    )
    with op.batch_alter_table("confirmations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_confirmations_course_id_email_key"),
            ["course_id", "email_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_confirmations_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "former_slugs",
        sa.Column("slug", sa.String(length=255), nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_former_slugs_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_former_slugs")),
    )
    with op.batch_alter_table("former_slugs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_former_slugs_course_id"), ["course_id"], unique=False)

    op.create_table(
        "lessons",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=8), nullable=False),
        sa.Column("guid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("title_key", sa.String(length=255), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "published",
                "withdrawn",
                "removed",
                name="lessonstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("placed_at", INSTANT, nullable=True),
        sa.Column("release_at", INSTANT, nullable=True),
        sa.Column("recording_id", ROW_ID, nullable=True),
        sa.Column("transcript", sa.Text(), nullable=True),
        sa.Column("chapters", sa.JSON(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_lessons_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_lessons_recording_id_recordings"),
            ondelete="SET NULL",
            use_alter=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lessons")),
        sa.UniqueConstraint("course_id", "title_key", name="uq_lessons_title"),
        sa.UniqueConstraint("guid", name=op.f("uq_lessons_guid")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lessons_public_id")),
    )
    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lessons_course_id_position"), ["course_id", "position"], unique=False
        )

    op.create_table(
        "memberships",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("account_id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "editor",
                "host",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_memberships_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_memberships_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint(
            "account_id", "course_id", name=op.f("uq_memberships_account_id_course_id")
        ),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_course_id"), ["course_id"], unique=False)

    op.create_table(
        "subscriptions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("listener_id", ROW_ID, nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column(
            "pace_kind",
            sa.Enum(
                "weekly",
                "every_days",
                "weekday",
                "at_once",
                "fixed_dates",
                name="rhythmkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("pace_every_days", sa.Integer(), nullable=True),
        sa.Column("pace_weekday", sa.Integer(), nullable=True),
        sa.Column("pace_hour", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("revised_at", INSTANT, nullable=False),
        sa.Column("next_unlock_at", INSTANT, nullable=True),
        sa.Column("next_unlock_plan", sa.Integer(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "left",
                "restarted",
                "closed",
                "revoked",
                name="endreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("successor_id", ROW_ID, nullable=True),
        sa.Column("mail_stopped_at", INSTANT, nullable=True),
        sa.Column("consent_version", sa.String(length=32), nullable=False),
        sa.Column("consented_at", INSTANT, nullable=False),
        sa.Column("last_fetch_at", INSTANT, nullable=True),
        sa.Column("last_app", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)",
            name=op.f("ck_subscriptions_an_end_has_a_reason"),
        ),
        sa.CheckConstraint(
            "pace_every_days BETWEEN 1 AND 365", name=op.f("ck_subscriptions_every_days_in_a_year")
        ),
        sa.CheckConstraint("pace_hour BETWEEN 0 AND 23", name=op.f("ck_subscriptions_hour_of_day")),
        sa.CheckConstraint(
            "pace_weekday BETWEEN 0 AND 6", name=op.f("ck_subscriptions_weekday_from_monday")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_subscriptions_course_id_courses"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listeners.id"],
            name=op.f("fk_subscriptions_listener_id_listeners"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscriptions_successor_id_subscriptions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_subscriptions_public_id")),
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscriptions_course_id"), ["course_id"], unique=False)
        batch_op.create_index(
            "ix_subscriptions_due",
            ["next_unlock_at"],
            unique=False,
            sqlite_where=sa.text("next_unlock_at IS NOT NULL"),
            postgresql_where=sa.text("next_unlock_at IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_subscriptions_one_alive",
            ["listener_id", "course_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "feed_addresses",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("random_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("key_number", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "asked",
                "leaked",
                "revoked",
                "restarted",
                name="retirereason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (reason IS NULL)",
            name=op.f("ck_feed_addresses_a_retirement_has_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_feed_addresses_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_addresses")),
        sa.UniqueConstraint("random_id", name=op.f("uq_feed_addresses_random_id")),
    )
    with op.batch_alter_table("feed_addresses", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_feed_addresses_subscription_id"), ["subscription_id"], unique=False
        )
        batch_op.create_index(
            "uq_feed_addresses_one_in_use",
            ["subscription_id"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "fetches",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("fetched_on", sa.Date(), nullable=False),
        sa.Column("resource", sa.String(length=16), nullable=False),
        sa.Column("app", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("bytes_sent", sa.BigInteger(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_fetches_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetches")),
        sa.UniqueConstraint(
            "subscription_id",
            "fetched_on",
            "resource",
            "app",
            "status",
            name=op.f("uq_fetches_subscription_id_fetched_on_resource_app_status"),
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("notice", sa.String(length=255), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("subscription_id", ROW_ID, nullable=True),
        sa.Column("confirmation_id", ROW_ID, nullable=True),
        sa.Column("account_id", ROW_ID, nullable=True),
        sa.Column("listener_id", ROW_ID, nullable=True),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("failed_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_outbox_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["confirmation_id"],
            ["confirmations.id"],
            name=op.f("fk_outbox_confirmation_id_confirmations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listeners.id"],
            name=op.f("fk_outbox_listener_id_listeners"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_outbox_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
        sa.UniqueConstraint("notice", name=op.f("uq_outbox_notice")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_outbox_confirmation_id"), ["confirmation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_outbox_listener_id"), ["listener_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_outbox_subscription_id"), ["subscription_id"], unique=False
        )
        batch_op.create_index(
            "ix_outbox_waiting",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        )

    op.create_table(
        "pauses",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_pauses_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_pauses_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    with op.batch_alter_table("pauses", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pauses_subscription_id"), ["subscription_id"], unique=False
        )

    op.create_table(
        "recordings",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("lesson_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "analysing",
                "ready",
                "refused",
                name="recordingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("analysed_at", INSTANT, nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_recordings_lesson_id_lessons"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("lesson_id", "number", name=op.f("uq_recordings_lesson_id_number")),
        sa.UniqueConstraint("object_key", name=op.f("uq_recordings_object_key")),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_state"), ["state"], unique=False)

    op.create_table(
        "unlocks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("lesson_id", ROW_ID, nullable=False),
        sa.Column("unlocked_at", INSTANT, nullable=False),
        sa.Column("pub_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("notice_id", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_unlocks_lesson_id_lessons"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["outbox.id"],
            name=op.f("fk_unlocks_notice_id_outbox"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_unlocks_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unlocks")),
        sa.UniqueConstraint(
            "subscription_id", "lesson_id", name=op.f("uq_unlocks_subscription_id_lesson_id")
        ),
    )
    with op.batch_alter_table("unlocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unlocks_lesson_id"), ["lesson_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unlocks_notice_id"), ["notice_id"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("course_id", ROW_ID, nullable=False),
        sa.Column("account_id", ROW_ID, nullable=False),
        sa.Column("lesson_id", ROW_ID, nullable=True),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("store_upload_id", sa.String(length=255), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("part_bytes", sa.BigInteger(), nullable=False),
        sa.Column("client_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "done",
                "aborted",
                name="uploadstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("recording_id", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_uploads_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_uploads_course_id_courses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lessons.id"],
            name=op.f("fk_uploads_lesson_id_lessons"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_uploads_recording_id_recordings"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("object_key", name=op.f("uq_uploads_object_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_uploads_public_id")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_uploads_course_id"), ["course_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_uploads_expires_at"), ["expires_at"], unique=False)

    # Lessons and recordings name each other; the second one closes the ring.
    with op.batch_alter_table("lessons") as batch:
        batch.create_foreign_key(
            "fk_lessons_recording_id_recordings",
            "recordings",
            ["recording_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("lessons") as batch:
        batch.drop_constraint("fk_lessons_recording_id_recordings", type_="foreignkey")
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_expires_at"))
        batch_op.drop_index(batch_op.f("ix_uploads_course_id"))
        batch_op.drop_index(batch_op.f("ix_uploads_account_id"))

    op.drop_table("uploads")
    with op.batch_alter_table("unlocks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unlocks_notice_id"))
        batch_op.drop_index(batch_op.f("ix_unlocks_lesson_id"))

    op.drop_table("unlocks")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recordings_state"))

    op.drop_table("recordings")
    with op.batch_alter_table("pauses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pauses_subscription_id"))

    op.drop_table("pauses")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_waiting",
            sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_outbox_subscription_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_listener_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_confirmation_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_account_id"))

    op.drop_table("outbox")
    op.drop_table("fetches")
    with op.batch_alter_table("feed_addresses", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_feed_addresses_one_in_use",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_feed_addresses_subscription_id"))

    op.drop_table("feed_addresses")
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_subscriptions_one_alive",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_subscriptions_due",
            sqlite_where=sa.text("next_unlock_at IS NOT NULL"),
            postgresql_where=sa.text("next_unlock_at IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_subscriptions_course_id"))

    op.drop_table("subscriptions")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_course_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lessons_course_id_position"))

    op.drop_table("lessons")
    with op.batch_alter_table("former_slugs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_former_slugs_course_id"))

    op.drop_table("former_slugs")
    with op.batch_alter_table("confirmations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_confirmations_expires_at"))
        batch_op.drop_index(batch_op.f("ix_confirmations_course_id_email_key"))

    op.drop_table("confirmations")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_course_id"))
        batch_op.drop_index(batch_op.f("ix_api_tokens_account_id"))

    op.drop_table("api_tokens")
    op.drop_table("marks")
    op.drop_table("listeners")
    with op.batch_alter_table("limit_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_limit_counts_window_start_at"))

    op.drop_table("limit_counts")
    op.drop_table("erased_addresses")
    op.drop_table("daily_salts")
    op.drop_table("courses")
    op.drop_table("accounts")
