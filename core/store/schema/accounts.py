"""Users, keys, tokens, and who changed what."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table

from core.store.schema.basics import Id, Moment, Text, metadata

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
    sqlite_autoincrement=True,
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
    sqlite_autoincrement=True,
)
Index("uq_api_key_user_id_name", api_key.c.user_id, api_key.c.name, unique=True)

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
