"""What all tables share: how things are named, and the types of columns."""

from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, TypeDecorator
from sqlalchemy.types import TypeEngine

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


class Text(TypeDecorator[str]):
    """Texts without U+0000, which PostgreSQL cannot keep: U+FFFD takes its place in a message or a name that is asked for.

    They are compared and sorted by code point, whatever the default of the database is; SQLite does that anyway.
    """

    impl = sqlalchemy.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sqlalchemy.Dialect) -> TypeEngine[str]:
        """Return the type on that database."""
        # Not as the dialect would spell it: that of psycopg makes a VARCHAR of every text.
        return sqlalchemy.Text(collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: str | None, dialect: sqlalchemy.Dialect) -> str | None:
        """Return a text as it can be kept."""
        return value.replace("\0", "\ufffd") if isinstance(value, str) else value


schema_revision = Table(
    "schema_revision",
    metadata,
    Column("revision", Text, primary_key=True),
    Column(
        "usable_by",
        Text,
        nullable=False,
        comment="The oldest revision whose programs may use the tables after it.",
    ),
    comment="What each migration leaves usable: one that only adds says what the one before it said.",
)


def sql_type(column: Column[Any]) -> str:
    """Return the type of a column as an array of its values has it on PostgreSQL."""
    kinds = ((Boolean, "boolean"), (Text, "text"))
    return next((word for kind, word in kinds if isinstance(column.type, kind)), "bigint")
