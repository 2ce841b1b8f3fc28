"""Observables and what sources claim of them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, text

from core.store.schema.basics import Id, Moment, Text, metadata

clock = Table(
    "clock",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("last_instant", Moment, nullable=False),
    Column("lifetime_s", BigInteger, nullable=True),
    comment="One row: the instant of the latest import session; the default lifetime of sure_until.",
)

source = Table(
    "source",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("last_import_at", Moment),
)

source_setting = Table(
    "source_setting",
    metadata,
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("lifetime_s", BigInteger, comment="Null: by type, or the default.  -1: for ever."),
    Column("from_last_seen", Boolean, nullable=False, comment="It lives from the source's own date."),
    Column("confidence", Integer, comment="What counts where the source states none; null: unknown."),
)

type_lifetime = Table(
    "type_lifetime",
    metadata,
    Column("type", Text, primary_key=True),
    Column("lifetime_s", BigInteger, nullable=False, comment="-1: for ever."),
)

tag = Table(
    "tag",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True, comment="The original spelling."),
    Column("key", Text, nullable=False, index=True, comment="What names are compared by: values.tags.tag_key."),
    Column("lifetime_s", BigInteger, comment="Null: the default.  -1: for ever."),
    Column("sticky", Boolean, comment="Null: by the family of its name."),
)

tag_description = Table(
    "tag_description",
    metadata,
    Column("tag_id", Id, ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True),
    Column("description", Text, nullable=False),
    Column("produces", Text, nullable=False, comment="JSON list of names."),
    Column("replaces", Text, nullable=False, comment="JSON list of names."),
    Column("created_at", Moment, nullable=False),
    comment="What people wrote about a tag; the tag itself is what observables have.",
)

observable = Table(
    "observable",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("modified_at", Moment, nullable=False),
    Column("sure_until", Moment, nullable=False, comment="Until then, at least, some assertion surely counts."),
    Column("assertions", Text, nullable=False, comment="JSON, the lossless form; see rendering.py."),
    Column("context", Text, nullable=False, comment="JSON array of objects, each with its source."),
)
Index("uq_observable_type_value", observable.c.type, observable.c.value, unique=True)
Index("ix_observable_sure_until", observable.c.sure_until)

assertion = Table(
    "assertion",
    metadata,
    Column("observable_id", Id, ForeignKey("observable.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Id, ForeignKey("source.id"), primary_key=True),
    Column("tag_id", Id, ForeignKey("tag.id"), primary_key=True),
    # What decides whether it counts comes first: SQLite reads a row only as far as it must.
    Column("kind", Integer, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("valid_until", Moment),
    Column("withdrawn_at", Moment),
    Column("valid_from", Moment),
    Column("first_seen", Moment),
    Column("last_seen", Moment),
    Column("confidence", Integer),
    Column("tlp", Integer),
    Column("withdrawn_reason", Text),
    Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
# The posting list.  Without a row id the primary key follows in every index entry, so that it is read in the
# order tag, observable, and never touched when received_at moves (decision 0012).
Index("ix_assertion_tag_id_observable_id", assertion.c.tag_id, assertion.c.observable_id)
# What may not be passed on freely is little of most stores; the rest costs nothing here.
Index("ix_assertion_tlp", assertion.c.tlp, sqlite_where=text("tlp > 0"), postgresql_where=text("tlp > 0"))
