"""Allow-lists that were looked up; versions and what is held; the ledger of what was listed and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:

    op.create_table(
        "allow_check",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column(
            "state",
            TEXT,
            nullable=False,
            comment="Versions of the rules of matching and of the carried lists.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_allow_check"),
        comment="One row: by what allow_hit was found.",
    )
    op.create_table(
        "ledger_text",
        sa.Column("id", ID, nullable=False),
        sa.Column("text", TEXT, nullable=False, comment="JSON; see ledger.py."),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_text"),
        sa.UniqueConstraint("text", name="uq_ledger_text_text"),
        comment="Reasons, each once.",
    )
    op.create_table(
        "allow_hit",
        sa.Column("observable_id", ID, nullable=False),
        sa.Column("allow_list_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="Of the entry of the list."),
        sa.Column(
            "relation",
            TEXT,
            nullable=False,
            comment="equal, inside, contains or above; see allow_lists/matching.py.",
        ),
        sa.Column("special_class", TEXT, nullable=False, comment="Of special-purpose addresses; empty: of none."),
        sa.ForeignKeyConstraint(
            ["observable_id"], ["observable.id"], name="fk_allow_hit_observable_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["allow_list_id"], ["allow_list.id"], name="fk_allow_hit_allow_list_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("observable_id", "allow_list_id", "position", name="pk_allow_hit"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_allow_hit_allow_list_id_relation_special_class",
        "allow_hit",
        ["allow_list_id", "relation", "special_class"],
        unique=False,
    )
    op.create_table(
        "allow_list_remark",
        sa.Column("allow_list_id", ID, nullable=False),
        sa.Column("entry", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["allow_list_id"], ["allow_list.id"], name="fk_allow_list_remark_allow_list_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("allow_list_id", "entry", name="pk_allow_list_remark"),
        comment="Why somebody put an entry on a list by hand.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "allow_list_setting",
        sa.Column("allow_list_id", ID, nullable=False),
        sa.Column(
            "family",
            TEXT,
            nullable=False,
            comment="What kind of list it is, for its action; empty: the user's.",
        ),
        sa.Column(
            "special_class",
            TEXT,
            nullable=False,
            comment="Of special-purpose addresses; an export may allow it.",
        ),
        sa.Column(
            "is_carried",
            sa.Boolean(),
            nullable=False,
            comment="It comes with the program and follows its version.",
        ),
        sa.Column(
            "is_own", sa.Boolean(), nullable=False, comment="The user's own assets: a run that lists one is held."
        ),
        sa.Column(
            "digest",
            TEXT,
            nullable=False,
            comment="Of type, attributes and entries: hits are of a list like that.",
        ),
        sa.Column("checked_until", ID, nullable=False, comment="The last observable that was looked at with it."),
        sa.ForeignKeyConstraint(
            ["allow_list_id"], ["allow_list.id"], name="fk_allow_list_setting_allow_list_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("allow_list_id", name="pk_allow_list_setting"),
    )
    op.create_table(
        "archive",
        sa.Column("id", ID, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.Column(
            "state",
            TEXT,
            nullable=False,
            comment="writing, held, publishing, kept or removed; see archives.py.",
        ),
        sa.Column(
            "number", sa.Integer(), nullable=True, comment="Of the version; null while it is written or held."
        ),
        sa.Column("base", sa.Integer(), nullable=False, comment="The version its changes start from; 0: none."),
        sa.Column("cause", TEXT, nullable=False, comment="run, release, withdrawal or rollback."),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("record", TEXT, nullable=False, comment="JSON: what is kept, as the manifest has it."),
        sa.Column("manifest_sha256", TEXT, nullable=False, comment="Empty before the manifest is written."),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_archive_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_archive"),
        comment="What lies under system.versions_path: versions, and the candidate that is held.",
    )
    op.create_index("ix_archive_export_id_number", "archive", ["export_id", "number"], unique=False)
    op.create_table(
        "export_pin",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="The version that stays until it is unpinned."),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False, comment="What was withdrawn before stays on it."),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_export_pin_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_pin"),
        comment="Exports whose runs are computed and not published.",
    )
    op.create_table(
        "export_publication",
        sa.Column("export_id", ID, nullable=False),
        sa.Column(
            "deltas", sa.Boolean(), nullable=False, comment="Additions and removals are published beside the file."
        ),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_export_publication_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_publication"),
    )
    op.create_table(
        "ledger",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("observable_id", ID, autoincrement=False, nullable=False),
        sa.Column("first_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "last_version",
            sa.Integer(),
            nullable=True,
            comment="The last version for which this holds; null: it still does.",
        ),
        sa.Column("is_listed", sa.Boolean(), nullable=False, comment="False: it was selected and kept off."),
        sa.Column("modified_at", sa.BigInteger(), nullable=False, comment="Of the observable, as it was."),
        sa.Column("why", ID, nullable=False, comment="A ledger_text: what it is listed for, or kept off by."),
        sa.Column("ended_by", ID, nullable=True, comment="A ledger_text: why it left."),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_ledger_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id", "observable_id", "first_version", name="pk_ledger"),
        comment="Which observables were on which versions, and why: one row for as long as nothing changes.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_piece",
        sa.Column("export_id", ID, nullable=False),
        sa.Column(
            "observable_id", ID, autoincrement=False, nullable=False, comment="The network it is a part of."
        ),
        sa.Column("value", TEXT, nullable=False, comment="A network or an address."),
        sa.Column("first_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_ledger_piece_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", "observable_id", "value", "first_version", name="pk_ledger_piece"),
        comment="What is listed of a network that was split around allow-listed addresses.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:

    op.drop_table("ledger_piece")
    op.drop_table("ledger")
    op.drop_table("export_publication")
    op.drop_table("export_pin")
    op.drop_index("ix_archive_export_id_number", table_name="archive")
    op.drop_table("archive")
    op.drop_table("allow_list_setting")
    op.drop_table("allow_list_remark")
    op.drop_index("ix_allow_hit_allow_list_id_relation_special_class", table_name="allow_hit")
    op.drop_table("allow_hit")
    op.drop_table("ledger_text")
    op.drop_table("allow_check")
