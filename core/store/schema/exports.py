"""Exports as they are defined, who may fetch them, and templates."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

template = Table(
    "template",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("modified_at", Moment, nullable=False),
    sqlite_autoincrement=True,  # programs know it by its id, and what they know is never another's
)

export = Table(
    "export",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("destination", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("selection", Text, nullable=False, comment="JSON object."),
    Column("options", Text, nullable=False, comment="JSON object."),
    Column("limits", Text, nullable=False, comment="JSON object."),
    Column("schedule", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("current_version", Integer),
    Column("created_at", Moment, nullable=False),
    Column("modified_at", Moment, nullable=False),
    Column(
        "versions_key",
        Text,
        nullable=False,
        unique=True,
        comment="What names of its versions begin with, for ever.",
    ),
    sqlite_autoincrement=True,
)
Index("uq_export_destination_file_name", export.c.destination, export.c.file_name, unique=True)

export_access = Table(
    "export_access",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("is_public", Boolean, nullable=False, comment="Anybody may fetch what is published."),
)

export_networks = Table(
    "export_networks",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("networks", Text, nullable=False, comment="JSON list of networks it may be fetched from."),
)

export_publication = Table(
    "export_publication",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("deltas", Boolean, nullable=False, comment="Additions and removals are published beside the file."),
)

export_pin = Table(
    "export_pin",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, nullable=False, comment="The version that stays until it is unpinned."),
    Column("pinned_at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exact", Boolean, nullable=False, comment="What was withdrawn before stays on it."),
    comment="Exports whose runs are computed and not published.",
)
