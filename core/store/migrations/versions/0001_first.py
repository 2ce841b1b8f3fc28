"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "allow_list",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("list_type", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("matching_attributes", TEXT, nullable=False, comment="JSON array."),
        sa.Column("action", TEXT, nullable=True, comment="block, inform or off; null: by the kind of list."),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_allow_list"),
        sa.UniqueConstraint("name", name="uq_allow_list_name"),
    )
    op.create_table(
        "clock",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("last_instant", sa.BigInteger(), nullable=False),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clock"),
        comment="One row: the instant of the latest import session; the default lifetime of sure_until.",
    )
    op.create_table(
        "export",
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
        sa.PrimaryKeyConstraint("id", name="pk_export"),
        sa.UniqueConstraint("name", name="uq_export_name"),
    )
    op.create_index("uq_export_destination_file_name", "export", ["destination", "file_name"], unique=True)
    op.create_table(
        "observable",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "sure_until",
            sa.BigInteger(),
            nullable=False,
            comment="Until then, at least, some assertion surely counts.",
        ),
        sa.Column("assertions", TEXT, nullable=False, comment="JSON, the lossless form; see rendering.py."),
        sa.Column("context", TEXT, nullable=False, comment="JSON array of objects, each with its source."),
        sa.PrimaryKeyConstraint("id", name="pk_observable"),
    )
    op.create_index("ix_observable_sure_until", "observable", ["sure_until"], unique=False)
    op.create_index("uq_observable_type_value", "observable", ["type", "value"], unique=True)
    op.create_table(
        "source",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("last_import_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("name", name="uq_source_name"),
    )
    op.create_table(
        "tag",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False, comment="The original spelling."),
        sa.Column("key", TEXT, nullable=False, comment="What names are compared by: values.tags.tag_key."),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=True, comment="Null: the default.  -1: for ever."),
        sa.Column("sticky", sa.Boolean(), nullable=True, comment="Null: by the family of its name."),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.UniqueConstraint("name", name="uq_tag_name"),
    )
    op.create_index("ix_tag_key", "tag", ["key"], unique=False)
    op.create_table(
        "template",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_template"),
        sa.UniqueConstraint("name", name="uq_template_name"),
    )
    op.create_table(
        "allow_list_entry",
        sa.Column("allow_list_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["allow_list_id"], ["allow_list.id"], name="fk_allow_list_entry_allow_list_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("allow_list_id", "position", name="pk_allow_list_entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "assertion",
        sa.Column("observable_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("first_seen", sa.BigInteger(), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("tlp", sa.Integer(), nullable=True),
        sa.Column("withdrawn_reason", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["observable_id"], ["observable.id"], name="fk_assertion_observable_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_assertion_source_id"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name="fk_assertion_tag_id"),
        sa.PrimaryKeyConstraint("observable_id", "source_id", "tag_id", name="pk_assertion"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_assertion_tag_id_observable_id", "assertion", ["tag_id", "observable_id"], unique=False)
    op.create_table(
        "export_lease",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="Rises with every claim; never reused."),
        sa.Column("owner", TEXT, nullable=True, comment="Null: nobody."),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_export_lease_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_lease"),
    )
    op.create_table(
        "run",
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
    )
    op.create_index("ix_run_export_id_started_at", "run", ["export_id", "started_at"], unique=False)
    op.create_table(
        "version",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("instant", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column(
            "definition",
            TEXT,
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="JSON, as it was then.",
        ),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_version_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id", "number", name="pk_version"),
    )
    op.create_table(
        "version_file",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id", "number"],
            ["version.export_id", "version.number"],
            name="fk_version_file_export_id_number",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "number", "position", name="pk_version_file"),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first schema")
