"""The allow-lists that come with the program: special-purpose addresses, and public suffixes.

They are rows as any other list, under names that nobody else may use, and are brought up to date when the program
carries another version of them.  What was set for one of them stays.
"""

from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import Connection, delete, insert, select, update

from core.schemas.claim import AllowListEntries
from core.schemas.instant import Instant
from core.store.allow_lists.kinds import PUBLIC_SUFFIX, SPECIAL_PREFIX, SPECIAL_PURPOSE, SUFFIX_PREFIX, Kind
from core.store.allow_lists.lists import adopt, forget_hits, put
from core.store.allow_lists.matching import RULES_VERSION
from core.store.schema import allow_check, allow_list, allow_list_setting
from core.store.store import Store
from core.values import public_suffixes, special_purpose

_SECTIONS = {
    public_suffixes.ICANN: "names that registries run, such as com and co.uk",
    public_suffixes.PRIVATE: "names that companies give others a place under, such as github.io",
}


def state() -> str:
    """Return the versions of the rules of matching and of all that is carried, as one text."""
    return f"{RULES_VERSION} {special_purpose.VERSION} {public_suffixes.version()}"


def bring_up_to_date(store: Store, now: Instant) -> None:
    """Put the lists of this version of the program in the place of older ones, if need be.

    Lists that an older version took in are settled, too; where the rules of matching are others, all is to be
    looked at again.
    """
    wanted, known = state(), select(allow_check.c.state).where(allow_check.c.id == 1)
    with store.reading() as connection:
        if connection.scalar(known) == wanted:
            return
    with store.writing() as connection:
        before = connection.scalar(known)
        if before == wanted:
            return
        adopt(connection)
        for given, kind in _carried():
            put(connection, given, now, kind)
        _forget_others(connection)
        if before is None:
            connection.execute(insert(allow_check).values(id=1, state=wanted))
            return
        connection.execute(update(allow_check).values(state=wanted))
        if before.split()[0] != RULES_VERSION:
            forget_hits(connection)


def _forget_others(connection: Connection) -> None:
    """Remove the lists that another version of the program carried."""
    carried = select(allow_list_setting.c.allow_list_id).where(allow_list_setting.c.is_carried)
    names = [given.name for given, _ in _carried()]
    connection.execute(delete(allow_list).where(allow_list.c.id.in_(carried), allow_list.c.name.not_in(names)))


@lru_cache(maxsize=1)
def _carried() -> tuple[tuple[AllowListEntries, Kind], ...]:
    return (*_special_purpose(), *_public_suffixes())


def _special_purpose() -> Iterator[tuple[AllowListEntries, Kind]]:
    for special, meaning in special_purpose.CLASSES.items():
        entries = (block.network for block in special_purpose.BLOCKS if block.special_class == special)
        name = SPECIAL_PREFIX + special
        given = _list(name, "cidr", special_purpose.VERSION, meaning, entries)
        yield given, Kind(SPECIAL_PURPOSE, special, is_carried=True)


def _public_suffixes() -> Iterator[tuple[AllowListEntries, Kind]]:
    for section, meaning in _SECTIONS.items():
        given = _list(
            SUFFIX_PREFIX + section, "suffix", public_suffixes.version(), meaning, public_suffixes.rules(section)
        )
        yield given, Kind(PUBLIC_SUFFIX, is_carried=True)


def _list(name: str, list_type: str, version: str, description: str, entries: Iterator[str]) -> AllowListEntries:
    return AllowListEntries(
        name=name,
        list_type=list_type,
        version=version,
        description=description,
        entries=tuple(dict.fromkeys(entries)),
    )
