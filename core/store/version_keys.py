"""What the names of an export's versions begin with: given to it once, whatever it is called later."""

import hashlib
import re
from itertools import count

from sqlalchemy import Connection, select

from core.schemas.instant import Instant
from core.store.schema import export

_SLUG_CHARACTERS = 60


def new_key(connection: Connection, name: str, created_at: Instant) -> str:
    """Return a key for a new export: for people, and no other export's, of now or of before.

    Args:
        connection: In the write transaction that keeps the export.
        name: What it is called now.
        created_at: When it is made.
    """
    # An export made at the same instant may have had the name before it got another one.
    keys = (_key(name, f"{created_at}\0{number}" if number else f"{created_at}") for number in count())
    return next(key for key in keys if not _is_taken(connection, key))


def _key(name: str, made: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG_CHARACTERS]
    own = hashlib.sha256(f"{name}\0{made}".encode()).hexdigest()[:8]
    return f"{slug}-{own}" if slug else own


def _is_taken(connection: Connection, key: str) -> bool:
    return connection.execute(select(export.c.id).where(export.c.versions_key == key)).first() is not None
