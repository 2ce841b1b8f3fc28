"""Row ids that are never given again, keys of versions apart from names, and who may use the tables."""

import hashlib
import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# Those that others are held by come first; each is empty before it is filled.
REBUILT = ("template", "export", "user", "api_key", "run", "job")
HELD_BY_THEM = (
    "api_key",
    "archive",
    "consumer_export",
    "export_access",
    "export_lease",
    "export_networks",
    "export_pin",
    "export_publication",
    "export_schedule",
    "fetch",
    "job",
    "job_death",
    "ledger",
    "ledger_piece",
    "run",
    "run_line",
    "run_total",
    "version",
)


def upgrade() -> None:

    op.create_table(
        "schema_revision",
        sa.Column("revision", TEXT, nullable=False),
        sa.Column(
            "usable_by",
            TEXT,
            nullable=False,
            comment="The oldest revision whose programs may use the tables after it.",
        ),
        sa.PrimaryKeyConstraint("revision", name="pk_schema_revision"),
        comment="What each migration leaves usable: one that only adds says what the one before it said.",
    )
    # Programs before this one do not ask.
    op.execute("INSERT INTO schema_revision (revision, usable_by) VALUES ('0007', '0007')")
    op.add_column(
        "export",
        sa.Column("versions_key", TEXT, nullable=True, comment="What names of its versions begin with, for ever."),
    )
    _give_keys()
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.alter_column("export", "versions_key", nullable=False)
        op.create_unique_constraint("uq_export_versions_key", "export", ["versions_key"])


def _give_keys() -> None:
    """Give each export the key that its versions have had."""
    bind = op.get_bind()
    for key, name, created_at in bind.execute(sa.text("SELECT id, name, created_at FROM export")).all():
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
        own = hashlib.sha256(f"{name}\0{created_at}".encode()).hexdigest()[:8]
        bind.execute(
            sa.text("UPDATE export SET versions_key = :versions_key WHERE id = :id"),
            {"versions_key": f"{slug}-{own}" if slug else own, "id": key},
        )


def _rebuild() -> None:
    """Make tables anew whose row ids are never given again, which SQLite has no other way for.

    Foreign keys are off, so that dropping a table deletes nothing that refers to it.
    """
    bind = op.get_bind()
    if bind.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError("foreign keys are on: rows would be deleted with the tables that they refer to")
    for name in REBUILT:
        _TABLES[name](f"new_{name}")
        columns = ", ".join(f'"{row[1]}"' for row in bind.exec_driver_sql(f'PRAGMA table_info("{name}")'))
        op.execute(f'INSERT INTO "new_{name}" ({columns}) SELECT {columns} FROM "{name}"')  # noqa: S608
        op.drop_table(name)
        op.rename_table(f"new_{name}", name)
    op.create_index("uq_export_destination_file_name", "export", ["destination", "file_name"], unique=True)
    op.create_index("uq_api_key_user_id_name", "api_key", ["user_id", "name"], unique=True)
    op.create_index("ix_run_export_id_started_at", "run", ["export_id", "started_at"], unique=False)
    op.create_index("ix_job_export_id", "job", ["export_id", "id"], unique=False)
    op.create_index("ix_job_state_due_at", "job", ["state", "due_at"], unique=False)
    for name in HELD_BY_THEM:
        if lost := bind.exec_driver_sql(f"PRAGMA foreign_key_check({name})").first():
            raise RuntimeError(f"a row of {name} refers to a row of {lost[2]} that there is not")


def _template(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_template"),
        sa.UniqueConstraint("name", name="uq_template_name"),
        sqlite_autoincrement=True,
    )


def _export(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("file_name", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("template", TEXT, nullable=False),
        sa.Column("selection", TEXT, nullable=False, comment="JSON object."),
        sa.Column("options", TEXT, nullable=False, comment="JSON object."),
        sa.Column("limits", TEXT, nullable=False, comment="JSON object."),
        sa.Column("schedule", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "versions_key", TEXT, nullable=False, comment="What names of its versions begin with, for ever."
        ),
        sa.PrimaryKeyConstraint("id", name="pk_export"),
        sa.UniqueConstraint("name", name="uq_export_name"),
        sa.UniqueConstraint("versions_key", name="uq_export_versions_key"),
        sqlite_autoincrement=True,
    )


def _user(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False, comment="reader, editor or admin."),
        sa.Column("password", TEXT, nullable=False, comment="As argon2id keeps it; empty: none, only keys."),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "password_set_at", sa.BigInteger(), nullable=True, comment="Tokens that are older count no more."
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("name", name="uq_user_name"),
        comment="Who may use the API.",
        sqlite_autoincrement=True,
    )


def _api_key(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("begin", TEXT, nullable=False, comment="How it begins, to know it by."),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False, comment="JSON list."),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True, comment="Null: never."),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_api_key_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("sha256", name="uq_api_key_sha256"),
        sqlite_autoincrement=True,
    )


def _run(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.Column("lease_number", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("entries", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_run_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_autoincrement=True,
    )


def _job(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.Column("state", TEXT, nullable=False, comment="waiting, running, done, failed or cancelled."),
        sa.Column("cause", TEXT, nullable=False, comment="schedule or request."),
        sa.Column("by", TEXT, nullable=False, comment="Who asked for it."),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="1 is the first."),
        sa.Column("owner", TEXT, nullable=True, comment="The worker that has it."),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("run_id", ID, nullable=True, comment="Of its last run."),
        sa.Column("entries", sa.BigInteger(), nullable=True, comment="Written so far."),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False, comment="Somebody wants it to stop."),
        sa.Column("message", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_job_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        comment="Runs that are wanted, that go on, and that were.",
        sqlite_autoincrement=True,
    )


_TABLES: dict[str, Callable[[str], None]] = {
    "template": _template,
    "export": _export,
    "user": _user,
    "api_key": _api_key,
    "run": _run,
    "job": _job,
}


def downgrade() -> None:

    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("export") as changed:
            changed.drop_constraint("uq_export_versions_key", type_="unique")
            changed.drop_column("versions_key")
    else:
        op.drop_column("export", "versions_key")
    op.drop_table("schema_revision")
