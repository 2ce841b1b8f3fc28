"""Consumers and what they fetched, logins, workers, and what somebody is to be told of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:

    op.create_table(
        "condition",
        sa.Column(
            "kind",
            TEXT,
            nullable=False,
            comment="held, failed, overdue, stale-consumer or expiring-token.",
        ),
        sa.Column("subject", TEXT, nullable=False, comment="Name of an export, a consumer, a key."),
        sa.Column("state", TEXT, nullable=False, comment="The kind has more than one where it gets worse."),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("detail", TEXT, nullable=False, comment="JSON object."),
        sa.Column(
            "told_by",
            TEXT,
            nullable=False,
            comment="Key of the notice that told it; empty: nobody was told.",
        ),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_condition"),
        comment="What is not as it should be just now; whoever is told is told of the change.",
    )
    op.create_table(
        "consumer",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("networks", TEXT, nullable=False, comment="JSON list of networks it may ask from; empty: any."),
        sa.Column(
            "all_exports", sa.Boolean(), nullable=False, comment="It may fetch every export, those to come too."
        ),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consumer"),
        sa.UniqueConstraint("name", name="uq_consumer_name"),
        comment="Machines that fetch what is published.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ended_token",
        sa.Column("id", TEXT, nullable=False, comment="The claim jti of the token."),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="After that it need not be remembered."),
        sa.PrimaryKeyConstraint("id", name="pk_ended_token"),
        comment="Tokens whose users logged out.",
    )
    op.create_table(
        "login_failure",
        sa.Column("subject", TEXT, nullable=False, comment="user:NAME or address:ADDRESS."),
        sa.Column("number", sa.Integer(), nullable=False, comment="In a row."),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "blocked_until",
            sa.BigInteger(),
            nullable=False,
            comment="Until then nobody is let in, whatever the password.",
        ),
        sa.PrimaryKeyConstraint("subject", name="pk_login_failure"),
    )
    op.create_table(
        "notice",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "key",
            TEXT,
            nullable=False,
            comment="What receivers know it by, however often it comes.",
        ),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("advice", TEXT, nullable=False, comment="JSON list of lines: what to do."),
        sa.Column("detail", TEXT, nullable=False, comment="JSON object."),
        sa.Column(
            "follows",
            TEXT,
            nullable=False,
            comment="Key of the notice that this one ends; empty: of none.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("key", name="uq_notice_key"),
        comment="Changes of state that somebody is to be told of.",
    )
    op.create_index("ix_notice_made_at", "notice", ["made_at"], unique=False)
    op.create_table(
        "secret",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
        comment="What all processes share and nobody is shown; made once.",
    )
    op.create_table(
        "worker",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_worker"),
        comment="Who runs exports when they are due, to say whether anybody does.",
    )
    op.create_table(
        "consumer_export",
        sa.Column("consumer_id", ID, nullable=False),
        sa.Column("export_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"], ["consumer.id"], name="fk_consumer_export_consumer_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_consumer_export_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("consumer_id", "export_id", name="pk_consumer_export"),
    )
    op.create_table(
        "consumer_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("consumer_id", ID, nullable=False),
        sa.Column("begin", TEXT, nullable=False, comment="How it begins, to know it by."),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True, comment="Null: never."),
        sa.ForeignKeyConstraint(
            ["consumer_id"], ["consumer.id"], name="fk_consumer_token_consumer_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consumer_token"),
        sa.UniqueConstraint("sha256", name="uq_consumer_token_sha256"),
        comment="Two at most of one consumer, so that they can be changed without a gap.",
    )
    op.create_index("ix_consumer_token_consumer_id", "consumer_token", ["consumer_id"], unique=False)
    op.create_table(
        "export_networks",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("networks", TEXT, nullable=False, comment="JSON list of networks it may be fetched from."),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_export_networks_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_networks"),
    )
    op.create_table(
        "fetch",
        sa.Column("consumer_id", ID, autoincrement=False, nullable=False, comment="0: without a token."),
        sa.Column("export_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "first_at",
            sa.BigInteger(),
            nullable=False,
            comment="When it first got it, or was told that it has it.",
        ),
        sa.Column("last_at", sa.BigInteger(), nullable=False, comment="When it last asked."),
        sa.Column("full", sa.BigInteger(), nullable=False, comment="How often it got the file, or a part."),
        sa.Column(
            "unchanged", sa.BigInteger(), nullable=False, comment="How often it was told that nothing changed."
        ),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="Sent in all."),
        sa.Column("last_address", TEXT, nullable=False),
        sa.Column("last_agent", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_fetch_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("consumer_id", "export_id", "version", name="pk_fetch"),
        comment="Who has which version since when: one row for each, not for each request.",
    )
    op.create_index("ix_fetch_export_id_version", "fetch", ["export_id", "version"], unique=False)
    op.create_table(
        "job_death",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="How often its worker died while it ran it."),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_job_death_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_death"),
    )
    op.create_table(
        "notice_delivery",
        sa.Column("notice_id", ID, nullable=False),
        sa.Column("channel", TEXT, nullable=False, comment="webhook, mail, chat, chat-2, …"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="How often it was tried."),
        sa.Column("due_at", sa.BigInteger(), nullable=False, comment="When it is to be tried (again)."),
        sa.Column(
            "is_refused",
            sa.Boolean(),
            nullable=False,
            comment="The channel works and did not take it: others go on.",
        ),
        sa.Column("done_at", sa.BigInteger(), nullable=True, comment="When it was told, or given up."),
        sa.Column("message", TEXT, nullable=False, comment="Why it could not be told."),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name="fk_notice_delivery_notice_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("notice_id", "channel", name="pk_notice_delivery"),
    )
    op.create_index("ix_notice_delivery_done_at_due_at", "notice_delivery", ["done_at", "due_at"], unique=False)
    op.create_table(
        "run_total",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column(
            "number",
            sa.BigInteger(),
            nullable=False,
            comment="Runs that ended so, those included that are forgotten.",
        ),
        sa.Column("took_us", sa.BigInteger(), nullable=False, comment="How long they took together."),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_run_total_export_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id", "status", name="pk_run_total"),
        comment="Counted at the end of each run, so that it never falls.",
    )
    op.execute(
        "INSERT INTO run_total (export_id, status, number, took_us)"
        " SELECT export_id, status, count(*), sum(finished_at - started_at) FROM run"
        " WHERE finished_at IS NOT NULL GROUP BY export_id, status"
    )
    op.create_table(
        "tag_description",
        sa.Column("tag_id", ID, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("produces", TEXT, nullable=False, comment="JSON list of names."),
        sa.Column("replaces", TEXT, nullable=False, comment="JSON list of names."),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name="fk_tag_description_tag_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", name="pk_tag_description"),
        comment="What people wrote about a tag; the tag itself is what observables have.",
    )


def downgrade() -> None:

    op.drop_table("tag_description")
    op.drop_table("run_total")
    op.drop_index("ix_notice_delivery_done_at_due_at", table_name="notice_delivery")
    op.drop_table("notice_delivery")
    op.drop_table("job_death")
    op.drop_index("ix_fetch_export_id_version", table_name="fetch")
    op.drop_table("fetch")
    op.drop_table("export_networks")
    op.drop_index("ix_consumer_token_consumer_id", table_name="consumer_token")
    op.drop_table("consumer_token")
    op.drop_table("consumer_export")
    op.drop_table("worker")
    op.drop_table("secret")
    op.drop_index("ix_notice_made_at", table_name="notice")
    op.drop_table("notice")
    op.drop_table("login_failure")
    op.drop_table("ended_token")
    op.drop_table("consumer")
    op.drop_table("condition")
