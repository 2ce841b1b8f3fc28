"""What a file is called that somebody keeps."""

import re

from core.clients.persistient_storage.receipts import attachment

_is_token = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+").fullmatch


def disposition(name: str) -> str:
    """Return the header that names a file to be kept, as RFC 6266 has it; one without marks as Yeti does."""
    plain = name.replace("/", "_")
    return f"attachment; filename={plain}" if _is_token(plain) else attachment(plain)
