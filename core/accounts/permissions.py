"""What somebody may do: by the role of the user, and no more than the scopes of the key."""

from collections.abc import Iterable
from enum import StrEnum

from core.store.users import ADMIN, EDITOR, READER


class Permission(StrEnum):
    """What a route asks for; the words are those of the scopes of keys."""

    READ = "read"
    OBSERVABLES = "observables"
    EXPORTS = "exports"
    ADMIN = "admin"


_OF_ROLES = {
    READER: frozenset((Permission.READ,)),
    EDITOR: frozenset((Permission.READ, Permission.OBSERVABLES, Permission.EXPORTS)),
    ADMIN: frozenset(Permission),
}


def of_role(role: str) -> frozenset[Permission]:
    """Return what users of that role may do."""
    return _OF_ROLES[role]


def limited(permissions: frozenset[Permission], scopes: Iterable[str]) -> frozenset[Permission]:
    """Return what is left of *permissions* by a key of these scopes: whoever changes things may look at them, too."""
    wanted = {Permission(scope) for scope in scopes}
    if Permission.ADMIN in wanted:
        return permissions
    return permissions & (wanted | {Permission.READ})
