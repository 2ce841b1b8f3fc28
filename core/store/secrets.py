"""What all processes of an installation share and nobody is shown, such as the key that tokens are signed with."""

from collections.abc import Callable

from sqlalchemy import insert, select

from core.schemas.instant import Instant
from core.store.schema import secret
from core.store.store import Store


def get_or_make(store: Store, name: str, make: Callable[[], str], now: Instant) -> str:
    """Return the secret of that name; the first who asks makes it, and all others get the same."""
    found = select(secret.c.value).where(secret.c.name == name)
    with store.reading() as connection:
        value = connection.scalar(found)
    if value is not None:
        return str(value)
    with store.writing() as connection:
        value = connection.scalar(found)
        if value is None:
            value = make()
            connection.execute(insert(secret).values(name=name, value=value, made_at=now))
        return str(value)
