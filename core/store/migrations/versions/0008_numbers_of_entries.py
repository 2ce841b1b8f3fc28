"""Numbers that entries of lists keep: the sid of a rule."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:

    op.create_table(
        "entry_number",
        sa.Column("export_id", ID, nullable=False),
        sa.Column("digest", TEXT, nullable=False, comment="Of kind, type and value."),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="Of the text; the first is 1."),
        sa.Column("text_digest", TEXT, nullable=False, comment="Of the text as it was last."),
        sa.ForeignKeyConstraint(
            ["export_id"], ["export.id"], name="fk_entry_number_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", "digest", name="pk_entry_number"),
        comment="Numbers that entries of lists keep in every version.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_number_next",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="The next that nobody ever had."),
        sa.PrimaryKeyConstraint("kind", name="pk_entry_number_next"),
        comment="Where numbers go on.",
    )
    op.execute("INSERT INTO schema_revision (revision, usable_by) VALUES ('0008', '0007')")


def downgrade() -> None:

    op.drop_table("entry_number_next")
    op.drop_table("entry_number")
    op.execute("DELETE FROM schema_revision WHERE revision = '0008'")
