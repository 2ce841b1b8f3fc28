"""What a service does before it begins, and beside its work."""

from typing import TYPE_CHECKING

from core.cli.output import say
from core.cli.session import Session
from core.config import Config

if TYPE_CHECKING:
    from core.notices.telling import Telling


def begin(session: Session) -> None:
    """Open the store, so that what is wrong with it is said at once; say how to make the first admin if there is none.

    Raises:
        StoreError: The store cannot be used.
    """
    from core.accounts import accounts

    session.become_service()
    with session.store() as store:
        if not accounts.has_admin(store):
            say("nobody may change anything yet; make the first admin with: yetictl user add NAME --role admin")


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
