"""Who acts: said once, where somebody begins to, and asked where a change is put down (`core.store.audit`)."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """Return who acts here; if nobody said so, whose process this is."""
    return _actor.get() or system_user()


def act_as(name: str) -> None:
    """Let what is changed from here on be by *name*, for the rest of this task or thread."""
    _actor.set(name)


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Let what is changed in a block be by *name*."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)


def system_user() -> str:
    """Return whose process this is, as the system says; the environment, which anybody can set, is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
