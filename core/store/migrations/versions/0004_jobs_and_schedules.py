"""Jobs, schedules, and what was logged while a run went on."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:

    op.create_table(
        "export_schedule",
        sa.Column("export_id", ID, nullable=False),
        sa.Column(
            "schedule",
            TEXT,
            nullable=False,
            comment="What the rest was reckoned from; another one is reckoned anew.",
        ),
        sa.Column("grid_at", sa.BigInteger(), nullable=False, comment="When it is due next, without jitter."),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="The same with jitter."),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_export_schedule_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_schedule"),
    )
    op.create_index("ix_export_schedule_due_at", "export_schedule", ["due_at"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", ID, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.Column("state", TEXT, nullable=False, comment="waiting, running, done, failed or cancelled."),
        sa.Column("cause", TEXT, nullable=False, comment="schedule or request."),
        sa.Column("by", TEXT, nullable=False, comment="Who asked for it."),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="1 is the first."),
        sa.Column("owner", TEXT, nullable=True, comment="The worker that has it."),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("run_id", ID, nullable=True, comment="Of its last run."),
        sa.Column("entries", sa.BigInteger(), nullable=True, comment="Written so far."),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False, comment="Somebody wants it to stop."),
        sa.Column("message", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_job_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        comment="Runs that are wanted, that go on, and that were.",
    )
    op.create_index("ix_job_export_id", "job", ["export_id", "id"], unique=False)
    op.create_index("ix_job_state_due_at", "job", ["state", "due_at"], unique=False)
    op.create_table(
        "run_line",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_line_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_run_line"),
        comment="What was logged while it ran, as people read it.",
    )


def downgrade() -> None:

    op.drop_table("run_line")
    op.drop_index("ix_job_state_due_at", table_name="job")
    op.drop_index("ix_job_export_id", table_name="job")
    op.drop_table("job")
    op.drop_index("ix_export_schedule_due_at", table_name="export_schedule")
    op.drop_table("export_schedule")
