"""Users, their keys, and who changed what."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:

    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False, comment="A user, or who typed the command."),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False, comment="JSON object; never a secret."),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        comment="Who changed what, and when.",
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False, comment="reader, editor or admin."),
        sa.Column("password", TEXT, nullable=False, comment="As argon2id keeps it; empty: none, only keys."),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "password_set_at", sa.BigInteger(), nullable=True, comment="Tokens that are older count no more."
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("name", name="uq_user_name"),
        comment="Who may use the API.",
    )
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("begin", TEXT, nullable=False, comment="How it begins, to know it by."),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False, comment="JSON list."),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True, comment="Null: never."),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_api_key_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("sha256", name="uq_api_key_sha256"),
    )
    op.create_index("uq_api_key_user_id_name", "api_key", ["user_id", "name"], unique=True)


def downgrade() -> None:

    op.drop_index("uq_api_key_user_id_name", table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("user")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
