"""Lifetimes of sources and types; who may fetch an export; an index for what may not be passed on freely."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "source_setting",
        sa.Column("source_id", ID, nullable=False),
        sa.Column(
            "lifetime_s", sa.BigInteger(), nullable=True, comment="Null: by type, or the default.  -1: for ever."
        ),
        sa.Column("from_last_seen", sa.Boolean(), nullable=False, comment="It lives from the source's own date."),
        sa.Column(
            "confidence",
            sa.Integer(),
            nullable=True,
            comment="What counts where the source states none; null: unknown.",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name="fk_source_setting_source_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", name="pk_source_setting"),
    )
    op.create_table(
        "type_lifetime",
        sa.Column("type", TEXT, nullable=False),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=False, comment="-1: for ever."),
        sa.PrimaryKeyConstraint("type", name="pk_type_lifetime"),
    )
    op.create_table(
        "export_access",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False, comment="Anybody may fetch what is published."),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_export_access_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_export_access"),
    )
    op.create_index(
        "ix_assertion_tlp",
        "assertion",
        ["tlp"],
        unique=False,
        sqlite_where=sa.text("tlp > 0"),
        postgresql_where=sa.text("tlp > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_assertion_tlp", table_name="assertion")
    op.drop_table("export_access")
    op.drop_table("type_lifetime")
    op.drop_table("source_setting")
