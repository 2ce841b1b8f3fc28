"""Who failed to log in, and which tokens ended before their time."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import delete, func, insert, select, update

from core.schemas.instant import SECOND, Instant
from core.store import audit
from core.store.databases.interface import Lock
from core.store.schema import ended_token, login_failure
from core.store.store import Store

UNKNOWN = "(unknown)"
"""Who acts where that is not known; no user can be called that."""

Block = Callable[[int], int]
"""For how many microseconds so many attempts in a row keep somebody out."""


def attempt(store: Store, blocks: Mapping[str, Block], now: Instant, *, forget_before: Instant) -> Instant:
    """Count an attempt of each subject before it is known how it ends, unless one of them is kept out.

    Counted afterwards, as many could be made at once as there are processes and threads.

    Args:
        store: Where.
        blocks: How long each subject is kept out.
        now: The present instant.
        forget_before: What was last tried before begins anew.

    Returns:
        Until when one of them is kept out; 0 if none was, and the attempt may be made.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = connection.execute(select(login_failure).where(login_failure.c.subject.in_(tuple(blocks)))).all()
        until = max((row.blocked_until for row in found), default=0)
        if until > now:
            return int(until)
        numbers = {row.subject: 1 if row.last_at < forget_before else row.number + 1 for row in found}
        for subject, block in blocks.items():
            number = numbers.get(subject, 1)
            values = {"number": number, "last_at": now, "blocked_until": _until(now, block(number))}
            if subject in numbers:
                mine = login_failure.c.subject == subject
                connection.execute(update(login_failure).where(mine).values(**values))
            else:
                connection.execute(insert(login_failure).values(subject=subject, **values))
    return 0


def succeed(store: Store, forgotten: Iterable[str], uncounted: Mapping[str, Block], now: Instant) -> None:
    """Forget the attempts of subjects, and take one back of others, since it was none that failed."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(delete(login_failure).where(login_failure.c.subject.in_(tuple(forgotten))))
        for subject, block in uncounted.items():
            mine = login_failure.c.subject == subject
            number = (connection.scalar(select(login_failure.c.number).where(mine)) or 1) - 1
            values = {"number": number, "blocked_until": _until(now, block(number))}
            connection.execute(update(login_failure).where(mine).values(**values))


def note_block(store: Store, name: str, address: str, until: Instant, now: Instant) -> None:
    """Put down that whoever tries to be a user from an address is kept out for a while: nobody is known who did it."""
    detail = {"address": address, "seconds": -(-(until - now) // SECOND)}
    with store.writing(Lock.BOOKKEEPING) as connection:
        audit.note(connection, "login blocked", name, detail, by=UNKNOWN, now=now)


def blocked_until(store: Store, subjects: Iterable[str]) -> Instant:
    """Return until when one of the subjects is kept out; 0: none ever was."""
    with store.reading() as connection:
        mine = login_failure.c.subject.in_(tuple(subjects))
        return int(connection.scalar(select(func.max(login_failure.c.blocked_until)).where(mine)) or 0)


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


def _until(now: Instant, pause: int) -> Instant:
    """Return the end of a pause, 0 if there is none: who asks at the same time may have a clock that is behind."""
    return now + pause if pause else 0
