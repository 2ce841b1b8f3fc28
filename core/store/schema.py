"""The tables.

Instants are integers, microseconds UTC.  The truth is in ``assertion``; ``observable.assertions``,
``observable.modified_at`` and ``observable.sure_until`` are derived from it in the same transaction and can be
rebuilt (``core.store.rebuild``).  Decisions 0010 to 0013 say why it looks like this.

A change here needs a migration in ``migrations/versions``; a test compares the two.
"""

from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")
"""``INTEGER PRIMARY KEY`` is SQLite's row id itself; ``BIGINT PRIMARY KEY`` would be a second index."""

Moment = BigInteger

Text = sqlalchemy.Text().with_variant(sqlalchemy.Text(collation="C"), "postgresql")
"""Texts are compared and sorted by code point, whatever the default of the database is; SQLite does that anyway."""

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

template = Table(
    "template",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("modified_at", Moment, nullable=False),
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
)
Index("uq_export_destination_file_name", export.c.destination, export.c.file_name, unique=True)

export_access = Table(
    "export_access",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("is_public", Boolean, nullable=False, comment="Anybody may fetch what is published."),
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

export_lease = Table(
    "export_lease",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, nullable=False, comment="Rises with every claim; never reused."),
    Column("owner", Text, comment="Null: nobody."),
    Column("lease_until", Moment, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True),
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), nullable=False),
    Column("lease_number", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("status", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("version", Integer),
    Column("entries", BigInteger),
)
Index("ix_run_export_id_started_at", run.c.export_id, run.c.started_at)

run_line = Table(
    "run_line",
    metadata,
    Column("run_id", Id, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("logged_at", Moment, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    comment="What was logged while it ran, as people read it.",
)

export_schedule = Table(
    "export_schedule",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "schedule", Text, nullable=False, comment="What the rest was reckoned from; another one is reckoned anew."
    ),
    Column("grid_at", Moment, nullable=False, comment="When it is due next, without jitter."),
    Column("due_at", Moment, nullable=False, comment="The same with jitter."),
)
Index("ix_export_schedule_due_at", export_schedule.c.due_at)

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False, comment="waiting, running, done, failed or cancelled."),
    Column("cause", Text, nullable=False, comment="schedule or request."),
    Column("by", Text, nullable=False, comment="Who asked for it."),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempt", Integer, nullable=False, comment="1 is the first."),
    Column("owner", Text, comment="The worker that has it."),
    Column("lease_until", Moment),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("run_id", Id, comment="Of its last run."),
    Column("entries", BigInteger, comment="Written so far."),
    Column("is_cancelled", Boolean, nullable=False, comment="Somebody wants it to stop."),
    Column("message", Text, nullable=False),
    comment="Runs that are wanted, that go on, and that were.",
)
Index("ix_job_state_due_at", job.c.state, job.c.due_at)
Index("ix_job_export_id", job.c.export_id, job.c.id)

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

user = Table(
    "user",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False, comment="reader, editor or admin."),
    Column("password", Text, nullable=False, comment="As argon2id keeps it; empty: none, only keys."),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("password_set_at", Moment, comment="Tokens that are older count no more."),
    comment="Who may use the API.",
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("user.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("begin", Text, nullable=False, comment="How it begins, to know it by."),
    Column("sha256", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False, comment="JSON list."),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, comment="Null: never."),
    Column("is_enabled", Boolean, nullable=False),
)
Index("uq_api_key_user_id_name", api_key.c.user_id, api_key.c.name, unique=True)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False, comment="A user, or who typed the command."),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, comment="JSON object; never a secret."),
    comment="Who changed what, and when.",
)
Index("ix_audit_at", audit.c.at)

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

secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    comment="What all processes share and nobody is shown; made once.",
)

ended_token = Table(
    "ended_token",
    metadata,
    Column("id", Text, primary_key=True, comment="The claim jti of the token."),
    Column("expires_at", Moment, nullable=False, comment="After that it need not be remembered."),
    comment="Tokens whose users logged out.",
)

login_failure = Table(
    "login_failure",
    metadata,
    Column("subject", Text, primary_key=True, comment="user:NAME or address:ADDRESS."),
    Column("number", Integer, nullable=False, comment="In a row."),
    Column("last_at", Moment, nullable=False),
    Column("blocked_until", Moment, nullable=False, comment="Until then nobody is let in, whatever the password."),
)

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
    comment="Two at most of one consumer, so that they can be changed without a gap.",
)
Index("ix_consumer_token_consumer_id", consumer_token.c.consumer_id)

export_networks = Table(
    "export_networks",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("networks", Text, nullable=False, comment="JSON list of networks it may be fetched from."),
)

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
    comment="Who has which version since when: one row for each, not for each request.",
)
Index("ix_fetch_export_id_version", fetch.c.export_id, fetch.c.version)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    comment="Who runs exports when they are due, to say whether anybody does.",
)

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


def sql_type(column: Column[Any]) -> str:
    """Return the type of a column as an array of its values has it on PostgreSQL."""
    kinds = ((Boolean, "boolean"), (sqlalchemy.Text, "text"))
    return next((word for kind, word in kinds if isinstance(column.type, kind)), "bigint")
