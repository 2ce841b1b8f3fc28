"""Logging: one event a line on standard error, past tense, fields not prose; never a secret."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from core.redaction import redact

_VENDORS = {
    # botocore logs headers and bodies at debug; they hold credentials.  The others say at info what means nothing
    # to a user.
    logging.WARNING: (
        *("botocore", "boto3", "s3transfer", "urllib3", "alembic", "sqlalchemy", "requests"),
        *("uvicorn", "asyncio", "multipart", "python_multipart"),
    ),
    # These warn of every try that fails, which an error of ours then says once.
    logging.ERROR: ("azure", "google", "paramiko"),
}

_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default={})  # noqa: B039 - never changed in place


@contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Put fields on every line that is logged in the block: the request, the run."""
    before = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(before)


_PLAIN = re.compile(r"[\x21-\x7e]+")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    *("message", "asctime", "taskName"),
    "color_message",  # uvicorn's message once more, for terminals
}


class TextLines(logging.Formatter):
    """``12:00:00 warning  storage path matched no client  path=gs://x``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for *record*; a traceback only at level debug."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        return f"{moment} {record.levelname.lower():7} {plain_text(record)}"


def plain_text(record: logging.LogRecord, *, with_bound: bool = True) -> str:
    """Return what *record* says, with its fields, on one line and without secrets.

    Args:
        record: The line.
        with_bound: With the fields of `bind`, too; what is kept with a run need not say of which run it is.
    """
    found = _fields(record) if with_bound else _own_fields(record)
    # Each alone, since most hold nothing to look for: of all that a request costs, the whole line would be a fifth.
    text = redact(record.getMessage()) + "".join(
        f"  {key}={redact(_plain(value))}" for key, value in found.items()
    )
    return redact(text) if any(map(_names_a_secret, found)) else text


class JsonLines(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for *record*."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        return redact(json.dumps(entry, default=str, ensure_ascii=False))


def set_up(level: str, form: str, stream: TextIO) -> None:
    """Send log lines of *level* and above to *stream*, as ``text`` or ``json``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    handler.setLevel(level.upper())  # a run keeps more of its own lines than are shown
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for level_of_vendors, vendors in _VENDORS.items():
        for vendor in vendors:
            logging.getLogger(vendor).setLevel(level_of_vendors)


def _own_fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {**_bound.get(), **_own_fields(record)}


@lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    return redact(f"{key}=x") != f"{key}=x"


def _plain(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) else repr(text)
