"""A later release, as far as its migrations make one: those of this one, and more of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.db import schema

HEAD = '''"""{words}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
{more}

def upgrade() -> None:
'''


@contextmanager
def later_release(folder: Path, *steps: str, needs: str | None = None) -> Iterator[str]:
    """Within the block `migrate` is that of a release with one more migration of these steps.

    Answers its revision. `needs`: what the migration says that releases must know.
    """
    before = schema.newest_revision()
    revision = f"{int(before) + 1:04}"
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    head = HEAD.format(
        words="What a later release adds.",
        revision=revision,
        before=before,
        more="" if needs is None else f'needs = "{needs}"\n',
    )
    body = "".join(f"    {step}\n" for step in steps)
    (migrations / "versions" / f"{revision}_later.py").write_text(head + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", migrations)
        yield revision
