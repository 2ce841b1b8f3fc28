"""Machines that fetch, and what each has."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

consumer = Table(
    "consumer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("networks", Text, nullable=False, comment="JSON list of networks it may ask from; empty: any."),
    Column("all_exports", Boolean, nullable=False, comment="It may fetch every export, those to come too."),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    comment="Machines that fetch what is published.",
    sqlite_autoincrement=True,  # what was counted for one that is removed is never another's
)

consumer_export = Table(
    "consumer_export",
    metadata,
    Column("consumer_id", Id, ForeignKey("consumer.id", ondelete="CASCADE"), primary_key=True),
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
)

consumer_token = Table(
    "consumer_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("consumer_id", Id, ForeignKey("consumer.id", ondelete="CASCADE"), nullable=False),
    Column("begin", Text, nullable=False, comment="How it begins, to know it by."),
    Column("sha256", Text, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, comment="Null: never."),
    Column("used_at", Moment, comment="When it last let somebody in; null: never."),
    Column(
        "refused_at", Moment, comment="When somebody was last turned away with it, after its end; null: never."
    ),
    comment="Two at most of one consumer, so that they can be changed without a gap.",
)
Index("ix_consumer_token_consumer_id", consumer_token.c.consumer_id)

fetch = Table(
    "fetch",
    metadata,
    Column("consumer_id", Id, primary_key=True, autoincrement=False, comment="0: without a token."),
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("first_at", Moment, nullable=False, comment="When it first got it, or was told that it has it."),
    Column("last_at", Moment, nullable=False, comment="When it last asked."),
    Column("full", BigInteger, nullable=False, comment="How often it got the file, or a part."),
    Column("unchanged", BigInteger, nullable=False, comment="How often it was told that nothing changed."),
    Column("size_bytes", BigInteger, nullable=False, comment="Sent in all."),
    Column("last_address", Text, nullable=False),
    Column("last_agent", Text, nullable=False),
    Column(
        "asked",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="How often it asked; requests within half a minute are one time.",
    ),
    comment="Who has which version since when: one row for each, not for each request.",
)
Index("ix_fetch_export_id_version", fetch.c.export_id, fetch.c.version)
Index("ix_fetch_consumer_id_export_id_last_at", fetch.c.consumer_id, fetch.c.export_id, fetch.c.last_at)
