"""Take secrets out of text that people see; apart from `core.log`, since logging is heavy to import."""

import re

# One slash is enough: as a local path, which an unknown URL becomes, it has lost the other.  A password may hold
# slashes that should have been escaped: all up to the next @ of the word is taken for one.
_USER_INFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://?)(?P<user>[^/?#\s@:]*)(?::[^@\s'\"]*)?@")

# What opens a door although it is no password: the ``sig`` of a signed link, an ``api_key``.
_KEY_IN_QUERY = re.compile(
    r"(?P<name>[?&;][\w.%-]*(?:sig|signature|token|secret|password|passwd|pwd|credential|key)=)[^&;#\s'\"\\]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return *text* with the passwords, keys and signatures of all URLs in it replaced by ``***``."""
    if "@" not in text and "=" not in text:  # as most paths, which are asked about all the time
        return text
    return _KEY_IN_QUERY.sub(r"\g<name>***", _USER_INFO.sub(_masked, text))


def _masked(match: re.Match[str]) -> str:
    has_password = ":" in match[0][len(match["scheme"]) :]
    return f"{match['scheme']}{match['user']}{':***' if has_password else ''}@"
