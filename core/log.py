"""Logging: one event a line on standard error, past tense, fields not prose; never a secret."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import TextIO

_VENDORS = {
    # botocore logs headers and bodies at debug; they hold credentials.  The others say at info what means nothing
    # to a user.
    logging.WARNING: ("botocore", "boto3", "s3transfer", "urllib3", "alembic", "sqlalchemy", "requests"),
    # These warn of every try that fails, which an error of ours then says once.
    logging.ERROR: ("azure", "google", "paramiko"),
}

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# One slash is enough: as a local path, which an unknown URL becomes, it has lost the other.
_USER_INFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://?)(?P<user>[^/?#\s@:]*)(?::[^/?#\s]*)?@")

# What opens a door although it is no password: the ``sig`` of a signed link, an ``api_key``.
_KEY_IN_QUERY = re.compile(
    r"(?P<name>[?&;][\w.%-]*(?:sig|signature|token|secret|password|passwd|pwd|credential|key)=)[^&;#\s'\"\\]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return *text* with the passwords, keys and signatures of all URLs in it replaced by ``***``."""
    return _KEY_IN_QUERY.sub(r"\g<name>***", _USER_INFO.sub(_masked, text))


def _masked(match: re.Match[str]) -> str:
    has_password = ":" in match[0][len(match["scheme"]) :]
    return f"{match['scheme']}{match['user']}{':***' if has_password else ''}@"


class TextLines(logging.Formatter):
    """``12:00:00 warning  storage path matched no client  path=gs://x``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for *record*; a traceback only at level debug."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = "".join(f"  {key}={_plain(value)}" for key, value in _fields(record).items())
        return redact(f"{moment} {record.levelname.lower():7} {record.getMessage()}{fields}")


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
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for level_of_vendors, vendors in _VENDORS.items():
        for vendor in vendors:
            logging.getLogger(vendor).setLevel(level_of_vendors)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _plain(value: object) -> str:
    text = str(value)
    return repr(text) if re.search(r"\s|[^\x20-\x7e]", text) or not text else text
