"""What a service does before it begins, and beside its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.cli.output import say
from core.cli.session import Session
from core.config import Config

if TYPE_CHECKING:
    from core.notices.telling import Telling
    from core.store import Store

API_PRESENT_EVERY_S = 20.0
"""Three times before it counts as gone (`core.store.workers.SEEN_WITHIN_S`)."""


def begin(session: Session) -> None:
    """Open the store, so that what is wrong with it is said at once; say how to make the first admin if there is none.

    Raises:
        ConfigError: ``auth.secret_key`` is too short.
        StoreError: The store cannot be used.
    """
    from core.accounts import accounts
    from core.accounts.tokens import tokens_of

    session.become_service()
    with session.store() as store:
        tokens_of(store, session.config["auth.secret_key"], session.now)
        if not accounts.has_admin(store):
            say("nobody may change anything yet; make the first admin with: yetictl user add NAME --role admin")


@contextmanager
def present_as_api(session: Session) -> Iterator[None]:
    """Let others know for a block that ``api`` uses the store: one row for all processes that this one begins."""
    from core.exports.lease import owner
    from core.store.health import check_there
    from core.store.workers import API
    from core.tasks.presence import present

    @contextmanager
    def store() -> "Iterator[Store]":
        check_there(session.config["database.url"])
        with session.store() as opened:
            yield opened

    with present(store, owner(), every_s=API_PRESENT_EVERY_S, service=API):
        yield


def listening_where(session: Session, host: str | None, port: int | None, processes: int | None = None) -> Config:
    """Return the settings with what was said on the command line in their place."""
    given = {"api.host": host, "api.port": port, "api.processes": processes}
    return session.config.having({name: str(value) for name, value in given.items() if value is not None})


def telling(session: Session) -> "Telling":
    """Return what looks for what is not as it should be, and tells it.

    Raises:
        ConfigError: A setting of a channel cannot be used.
    """
    from core.notices.channels import channels_of
    from core.notices.settings import settings_of
    from core.notices.telling import Telling

    return Telling(session.store, settings_of(session.config), channels_of(session.config))
