"""Who runs an export, when it is due, and how it went."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

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
    sqlite_autoincrement=True,
)
Index("ix_run_export_id_started_at", run.c.export_id, run.c.started_at)

run_total = Table(
    "run_total",
    metadata,
    Column("export_id", Id, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, comment="Runs that ended so, those included that are forgotten."),
    Column("took_us", BigInteger, nullable=False, comment="How long they took together."),
    comment="Counted at the end of each run, so that it never falls.",
)

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
    sqlite_autoincrement=True,
)
Index("ix_job_state_due_at", job.c.state, job.c.due_at)
Index("ix_job_export_id", job.c.export_id, job.c.id)

job_death = Table(
    "job_death",
    metadata,
    Column("job_id", Id, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, nullable=False, comment="How often its worker died while it ran it."),
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    comment="Who runs exports when they are due, to say whether anybody does.",
)
