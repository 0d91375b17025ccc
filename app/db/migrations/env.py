"""Run by Alembic: applies migrations over the connection that `app.db.migrate` opened."""

from alembic import context

# Their tables come into the metadata when they are imported.
import app.db.models  # noqa: F401
from app.db.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    # SQLite cannot alter a table; Alembic copies it instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
