"""A program of one migration more than this one, as far as a database can tell."""

import shutil
from pathlib import Path

import pytest

from core.store import migrate

ADDS = """
    op.create_table("later", sa.Column("id", sa.BigInteger(), nullable=False))
    for table in ("observable", "assertion", "export", "run", "job", "worker", "export_lease"):
        op.add_column(table, sa.Column("later", sa.Text(), nullable=True))
    op.create_index("ix_observable_later", "observable", ["later"])
"""
"""What an older program need not know of."""

CHANGES = """
    op.alter_column("export", "schedule", new_column_name="due") if is_server else op.execute(
        "ALTER TABLE export RENAME COLUMN schedule TO due")
"""
"""What an older program would go wrong by."""

_MIGRATION = '''
"""Made up."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_server = op.get_bind().dialect.name == "postgresql"
    {body}
    op.execute("INSERT INTO schema_revision (revision, usable_by) VALUES ('{revision}', '{usable_by}')")
'''


def upgrade_ahead(url: str, folder: Path, *migrations: tuple[str, str]) -> None:
    """Bring a database to a schema that is newer than this program's.

    Args:
        url: Of the database.
        folder: An empty one, for migrations.
        migrations: What each one more does, and the oldest revision whose programs may use what it makes.
    """
    shutil.copytree(migrate.MIGRATIONS, folder, dirs_exist_ok=True)
    revisions = list(migrate.REVISIONS)
    for body, usable_by in migrations:
        revision = f"{int(revisions[-1]) + 1:04}"
        text = _MIGRATION.format(revision=revision, before=revisions[-1], body=body, usable_by=usable_by)
        (folder / "versions" / f"{revision}_later.py").write_text(text)
        revisions.append(revision)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "MIGRATIONS", folder)
        patch.setattr(migrate, "REVISIONS", tuple(revisions))
        migrate.upgrade(url)
