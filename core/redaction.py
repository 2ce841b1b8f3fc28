"""Take secrets out of text that people see; apart from `core.log`, since logging is heavy to import."""

import re

# One slash is enough: as a local path, which an unknown URL becomes, it has lost the other.  The colon may be escaped,
# or all of it, as in a URL within another.  Of a bounded length: a long word would be looked through once for each of
# its letters.
_SCHEME = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}(?::|%3A)(?:/|%2F){1,2})"

# A password may hold an @ and slashes that should have been escaped: all up to the last @ before a query is taken for
# one, a token alone up to the last @ before the path.  All are of a bounded length, for the same reason as the scheme.
_USER_INFO = re.compile(
    _SCHEME + r"(?P<user>(?:(?!%3A)[^/?#\s@:]){0,300})(?P<password>(?::|%3A)[^@\s'\"]{0,300})?(?P<at>@)"
    r"(?(password)(?:(?:(?!:/|:%2F|%3A%2F)[^?#\s@'\"]){0,300}@){0,8}|(?:[^/?#\s@'\"]{0,300}@){0,8})",
    re.IGNORECASE,
)
_ESCAPED_USER_INFO = re.compile(
    _SCHEME.replace("(?::|%3A)", "%3A")
    + r"(?P<user>(?:(?!%3A|%40|%2F)[^/?#\s@:]){0,300})(?P<password>(?::|%3A)[^@\s'\"&;#]{0,300})?(?P<at>%40)"
    r"(?(password)|(?:(?:(?!%40|%2F|%3F|%23)[^/?#\s@'\"&;]){0,300}%40){0,8})",
    re.IGNORECASE,
)

# What opens a door although it is no password: the ``sig`` of a signed link, an ``api_key``.
_KEY_IN_QUERY = re.compile(
    r"(?P<name>(?:[?&;]|%3F|%26)[\w.%-]{0,60}(?:sig|signature|token|secret|password|passwd|pwd|credential|key)(?:=|%3D))(?:(?!%26)[^&;#\s'\"\\])+",
    re.IGNORECASE,
)

# The same as a word of a sentence, or at the start of a connection string; a mere ``key=`` there is something else.
_KEY_AS_WORD = re.compile(
    r"(?P<name>(?<![\w?&;.%-])[\w.-]*"
    r"(?:(?:account|access|api|secret)[_-]?key|signature|token|secret|password|passwd|pwd)=['\"]?)[^&;#\s'\"\\]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return *text* with the passwords, keys and signatures in it replaced by ``***``, those of all URLs above all."""
    # As most paths, which are asked for all the time.
    if "@" not in text and "=" not in text and "%40" not in text:
        return text
    for pattern in (_USER_INFO, _ESCAPED_USER_INFO):
        text = pattern.sub(_masked, text)
    return _KEY_AS_WORD.sub(r"\g<name>***", _KEY_IN_QUERY.sub(r"\g<name>***", text))


def _masked(match: re.Match[str]) -> str:
    scheme, user, password, at = match.group("scheme", "user", "password", "at")
    if password is not None:
        return f"{scheme}{user}{':' if password[0] == ':' else password[:3]}***{at}"
    # Alone before a web server's name stands a token as often as a name; elsewhere it is the name of an account.
    return f"{scheme}***{at}" if "http" in scheme.lower() else match[0]
