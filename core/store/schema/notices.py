"""What is not as it should be, and who was told."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

condition = Table(
    "condition",
    metadata,
    Column("kind", Text, primary_key=True, comment="held, failed, overdue, stale-consumer or expiring-token."),
    Column("subject", Text, primary_key=True, comment="Name of an export, a consumer, a key."),
    Column("state", Text, nullable=False, comment="The kind has more than one where it gets worse."),
    Column("since", Moment, nullable=False),
    Column("detail", Text, nullable=False, comment="JSON object."),
    Column("told_by", Text, nullable=False, comment="Key of the notice that told it; empty: nobody was told."),
    comment="What is not as it should be just now; whoever is told is told of the change.",
)

notice = Table(
    "notice",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="What receivers know it by, however often it comes."),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("advice", Text, nullable=False, comment="JSON list of lines: what to do."),
    Column("detail", Text, nullable=False, comment="JSON object."),
    Column("follows", Text, nullable=False, comment="Key of the notice that this one ends; empty: of none."),
    comment="Changes of state that somebody is to be told of.",
)
Index("ix_notice_made_at", notice.c.made_at)

notice_delivery = Table(
    "notice_delivery",
    metadata,
    Column("notice_id", Id, ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True, comment="webhook, mail, chat, chat-2, …"),
    Column("attempt", Integer, nullable=False, comment="How often it was tried."),
    Column("due_at", Moment, nullable=False, comment="When it is to be tried (again)."),
    Column("is_refused", Boolean, nullable=False, comment="The channel works and did not take it: others go on."),
    Column("done_at", Moment, comment="When it was told, or given up."),
    Column("message", Text, nullable=False, comment="Why it could not be told."),
)
Index("ix_notice_delivery_done_at_due_at", notice_delivery.c.done_at, notice_delivery.c.due_at)
