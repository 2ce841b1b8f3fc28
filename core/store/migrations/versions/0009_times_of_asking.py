"""How often a consumer asked, however many requests that took, and when a token was last used, and refused."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:

    # Programs before this one write rows without it.
    op.add_column(
        "fetch",
        sa.Column(
            "asked",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="How often it asked; requests within half a minute are one time.",
        ),
    )
    # As often as there were requests, and no more often than every half a minute of that time.
    op.execute(
        'UPDATE "fetch" SET asked = CASE WHEN "full" + unchanged < 1 + (last_at - first_at) / 30000000 '
        'THEN "full" + unchanged ELSE 1 + (last_at - first_at) / 30000000 END'
    )
    op.create_index("ix_fetch_consumer_id_export_id_last_at", "fetch", ["consumer_id", "export_id", "last_at"])
    op.add_column(
        "consumer_token",
        sa.Column("used_at", sa.BigInteger(), nullable=True, comment="When it last let somebody in; null: never."),
    )
    op.add_column(
        "consumer_token",
        sa.Column(
            "refused_at",
            sa.BigInteger(),
            nullable=True,
            comment="When somebody was last turned away with it, after its end; null: never.",
        ),
    )
    op.execute("INSERT INTO schema_revision (revision, usable_by) VALUES ('0009', '0007')")


def downgrade() -> None:

    op.drop_column("consumer_token", "refused_at")
    op.drop_column("consumer_token", "used_at")
    op.drop_index("ix_fetch_consumer_id_export_id_last_at", "fetch")
    op.drop_column("fetch", "asked")
    op.execute("DELETE FROM schema_revision WHERE revision = '0009'")
