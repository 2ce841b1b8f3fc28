"""What must not be blocked, and where it was met."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

allow_list = Table(
    "allow_list",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("list_type", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("matching_attributes", Text, nullable=False, comment="JSON array."),
    Column("action", Text, comment="block, inform or off; null: by the kind of list."),
    Column("received_at", Moment, nullable=False),
)

allow_list_entry = Table(
    "allow_list_entry",
    metadata,
    Column("allow_list_id", Id, ForeignKey("allow_list.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
    sqlite_with_rowid=False,
)

allow_list_setting = Table(
    "allow_list_setting",
    metadata,
    Column("allow_list_id", Id, ForeignKey("allow_list.id", ondelete="CASCADE"), primary_key=True),
    Column("family", Text, nullable=False, comment="What kind of list it is, for its action; empty: the user's."),
    Column("special_class", Text, nullable=False, comment="Of special-purpose addresses; an export may allow it."),
    Column("is_carried", Boolean, nullable=False, comment="It comes with the program and follows its version."),
    Column("is_own", Boolean, nullable=False, comment="The user's own assets: a run that lists one is held."),
    Column(
        "digest", Text, nullable=False, comment="Of type, attributes and entries: hits are of a list like that."
    ),
    Column("checked_until", Id, nullable=False, comment="The last observable that was looked at with it."),
)

allow_hit = Table(
    "allow_hit",
    metadata,
    Column("observable_id", Id, ForeignKey("observable.id", ondelete="CASCADE"), primary_key=True),
    Column("allow_list_id", Id, ForeignKey("allow_list.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, comment="Of the entry of the list."),
    Column(
        "relation", Text, nullable=False, comment="equal, inside, contains or above; see allow_lists/matching.py."
    ),
    Column("special_class", Text, nullable=False, comment="Of special-purpose addresses; empty: of none."),
    sqlite_with_rowid=False,
)
# The whole answer to "which of a list may not be listed", without a look at the rows.
Index(
    "ix_allow_hit_allow_list_id_relation_special_class",
    allow_hit.c.allow_list_id,
    allow_hit.c.relation,
    allow_hit.c.special_class,
)

allow_check = Table(
    "allow_check",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False, comment="Versions of the rules of matching and of the carried lists."),
    comment="One row: by what allow_hit was found.",
)

allow_list_remark = Table(
    "allow_list_remark",
    metadata,
    Column("allow_list_id", Id, ForeignKey("allow_list.id", ondelete="CASCADE"), primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("made_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Why somebody put an entry on a list by hand.",
)
