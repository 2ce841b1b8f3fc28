"""Who failed to log in, and which tokens ended before their time."""

from collections.abc import Callable, Iterable

from sqlalchemy import delete, insert, select, update

from core.schemas.instant import Instant
from core.store.databases.interface import Lock
from core.store.schema import ended_token, login_failure
from core.store.store import Store


def blocked_until(store: Store, subjects: Iterable[str]) -> Instant:
    """Return until when one of *subjects* is not let in; 0 if none is kept out."""
    query = select(login_failure.c.blocked_until).where(login_failure.c.subject.in_(tuple(subjects)))
    with store.reading() as connection:
        return max(connection.scalars(query), default=0)


def fail(store: Store, subject: str, block: Callable[[int], int], now: Instant, *, forget_before: Instant) -> None:
    """Count a failure of *subject*; *block* says for how many microseconds so many in a row keep it out.

    What failed last before *forget_before* begins anew.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        row = connection.execute(select(login_failure).where(login_failure.c.subject == subject)).first()
        number = 1 if row is None or row.last_at < forget_before else row.number + 1
        values = {"number": number, "last_at": now, "blocked_until": now + block(number)}
        if row is None:
            connection.execute(insert(login_failure).values(subject=subject, **values))
        else:
            connection.execute(update(login_failure).where(login_failure.c.subject == subject).values(**values))


def succeed(store: Store, subjects: Iterable[str]) -> None:
    """Forget the failures of *subjects*."""
    names = tuple(subjects)
    with store.reading() as connection:
        if connection.scalar(select(login_failure.c.subject).where(login_failure.c.subject.in_(names))) is None:
            return
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(delete(login_failure).where(login_failure.c.subject.in_(names)))


def end_token(store: Store, token_id: str, expires_at: Instant) -> None:
    """Let a token count no more; it is remembered until it would have expired."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = connection.scalar(select(ended_token.c.id).where(ended_token.c.id == token_id))
        if found is None:
            connection.execute(insert(ended_token).values(id=token_id, expires_at=expires_at))


def has_ended(store: Store, token_id: str) -> bool:
    """Say whether somebody ended that token."""
    with store.reading() as connection:
        return connection.scalar(select(ended_token.c.id).where(ended_token.c.id == token_id)) is not None


def forget(store: Store, before: Instant, most: int) -> int:
    """Forget up to *most* tokens that expired before an instant, and as many failures from before; return how many."""
    tokens = select(ended_token.c.id).where(ended_token.c.expires_at < before).limit(most)
    failures = select(login_failure.c.subject).where(login_failure.c.last_at < before).limit(most)
    with store.writing(Lock.BOOKKEEPING) as connection:
        gone = connection.execute(delete(ended_token).where(ended_token.c.id.in_(tokens))).rowcount
        return (
            gone + connection.execute(delete(login_failure).where(login_failure.c.subject.in_(failures))).rowcount
        )
