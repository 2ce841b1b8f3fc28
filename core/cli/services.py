"""What a service does before it begins."""

from core.cli.output import say
from core.cli.session import Session


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
