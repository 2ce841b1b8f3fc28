"""The allow-lists that come with the program: special-purpose addresses, and public suffixes.

They are rows as any other list, under names that nobody else may use, and are brought up to date when the program
carries another version of them.  What was set for one of them stays.
"""

import json

from sqlalchemy import Connection, delete, insert, select, update

from core.schemas.instant import Instant
from core.store.allow_kinds import PUBLIC_SUFFIX, SPECIAL_PURPOSE
from core.store.schema import allow_list, allow_list_entry, allow_list_setting
from core.values import public_suffixes, special_purpose

SPECIAL_PREFIX = "special-purpose: "
SUFFIX_PREFIX = "public suffixes: "
RESERVED = (SPECIAL_PREFIX, SUFFIX_PREFIX)
"""How the names of carried lists begin."""

_SECTIONS = {
    public_suffixes.ICANN: "names that registries run, such as com and co.uk",
    public_suffixes.PRIVATE: "names that companies give others a place under, such as github.io",
}


def put_carried(connection: Connection, now: Instant) -> None:
    """Bring the carried lists up to date, inside a write transaction; do nothing if they are."""
    known = {
        row.name: row
        for row in connection.execute(
            select(allow_list.c.id, allow_list.c.name, allow_list.c.version)
            .join(allow_list_setting, allow_list_setting.c.allow_list_id == allow_list.c.id)
            .where(allow_list_setting.c.is_carried)
        )
    }
    for special, meaning in special_purpose.CLASSES.items():
        name = SPECIAL_PREFIX + special
        if name not in known or known[name].version != special_purpose.VERSION:
            entries = [block.network for block in special_purpose.BLOCKS if block.special_class == special]
            _put(connection, name, "cidr", special_purpose.VERSION, meaning, entries, SPECIAL_PURPOSE, special, now)
    for section, meaning in _SECTIONS.items():
        name, version = SUFFIX_PREFIX + section, public_suffixes.version()
        if name not in known or known[name].version != version:
            entries = list(dict.fromkeys(public_suffixes.rules(section)))
            _put(connection, name, "suffix", version, meaning, entries, PUBLIC_SUFFIX, "", now)


def versions() -> str:
    """Return the versions of all that is carried, as one text."""
    return f"{special_purpose.VERSION} {public_suffixes.version()}"


def _put(
    connection: Connection,
    name: str,
    list_type: str,
    version: str,
    description: str,
    entries: list[str],
    family: str,
    special_class: str,
    now: Instant,
) -> None:
    columns = {
        "list_type": list_type,
        "version": version,
        "description": description,
        "matching_attributes": json.dumps([]),
        "received_at": now,
    }
    key = connection.scalar(select(allow_list.c.id).where(allow_list.c.name == name))
    if key is None:
        connection.execute(insert(allow_list).values(name=name, **columns))
        key = connection.scalar(select(allow_list.c.id).where(allow_list.c.name == name))
        connection.execute(
            insert(allow_list_setting).values(
                allow_list_id=key, family=family, special_class=special_class, is_carried=True, is_own=False
            )
        )
    else:
        connection.execute(update(allow_list).where(allow_list.c.id == key).values(columns))
        connection.execute(delete(allow_list_entry).where(allow_list_entry.c.allow_list_id == key))
    if entries:
        rows = [{"allow_list_id": key, "position": place, "entry": entry} for place, entry in enumerate(entries)]
        connection.execute(insert(allow_list_entry), rows)
