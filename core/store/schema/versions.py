"""What was published, what is kept of it, and why a value was on it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, text

from core.store.schema.basics import Id, Moment, Text, metadata

version = Table(
    "version",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Id),
    Column("created_at", Moment, nullable=False),
    Column("instant", Moment, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("definition", Text, nullable=False, server_default=text("'{}'"), comment="JSON, as it was then."),
)

version_file = Table(
    "version_file",
    metadata,
    Column("export_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("entries", BigInteger, nullable=False),
    ForeignKeyConstraint(["export_id", "number"], ["version.export_id", "version.number"], ondelete="CASCADE"),
)

archive = Table(
    "archive",
    metadata,
    Column("id", Id, primary_key=True),
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False, comment="writing, held, publishing, kept or removed; see archives.py."),
    Column("number", Integer, comment="Of the version; null while it is written or held."),
    Column("base", Integer, nullable=False, comment="The version its changes start from; 0: none."),
    Column("cause", Text, nullable=False, comment="run, release, withdrawal or rollback."),
    Column("made_at", Moment, nullable=False),
    Column("record", Text, nullable=False, comment="JSON: what is kept, as the manifest has it."),
    Column("manifest_sha256", Text, nullable=False, comment="Empty before the manifest is written."),
    comment="What lies under system.versions_path: versions, and the candidate that is held.",
)
Index("ix_archive_export_id_number", archive.c.export_id, archive.c.number)

ledger = Table(
    "ledger",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("observable_id", Id, primary_key=True, autoincrement=False),
    Column("first_version", Integer, primary_key=True, autoincrement=False),
    Column("last_version", Integer, comment="The last version for which this holds; null: it still does."),
    Column("is_listed", Boolean, nullable=False, comment="False: it was selected and kept off."),
    Column("modified_at", Moment, nullable=False, comment="Of the observable, as it was."),
    # No foreign keys: forgetting a reason would look for its users through the whole table.
    Column("why", Id, nullable=False, comment="A ledger_text: what it is listed for, or kept off by."),
    Column("ended_by", Id, comment="A ledger_text: why it left."),
    sqlite_with_rowid=False,
    comment="Which observables were on which versions, and why: one row for as long as nothing changes.",
)

ledger_piece = Table(
    "ledger_piece",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("observable_id", Id, primary_key=True, autoincrement=False, comment="The network it is a part of."),
    Column("value", Text, primary_key=True, comment="A network or an address."),
    Column("first_version", Integer, primary_key=True, autoincrement=False),
    Column("last_version", Integer),
    sqlite_with_rowid=False,
    comment="What is listed of a network that was split around allow-listed addresses.",
)

ledger_text = Table(
    "ledger_text",
    metadata,
    Column("id", Id, primary_key=True),
    Column("text", Text, nullable=False, unique=True, comment="JSON; see ledger.py."),
    comment="Reasons, each once.",
)

entry_number = Table(
    "entry_number",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True, comment="Of kind, type and value."),
    Column("number", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, comment="Of the text; the first is 1."),
    Column("text_digest", Text, nullable=False, comment="Of the text as it was last."),
    sqlite_with_rowid=False,
    comment="Numbers that entries of lists keep in every version.",
)

entry_number_next = Table(
    "entry_number_next",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, comment="The next that nobody ever had."),
    comment="Where numbers go on.",
)
