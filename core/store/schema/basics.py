"""What all tables share: how things are named, and the types of columns."""

from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData

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


def sql_type(column: Column[Any]) -> str:
    """Return the type of a column as an array of its values has it on PostgreSQL."""
    kinds = ((Boolean, "boolean"), (sqlalchemy.Text, "text"))
    return next((word for kind, word in kinds if isinstance(column.type, kind)), "bigint")
