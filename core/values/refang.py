"""Undo what people do to a value so that nobody clicks on it.

Only for values of the network (addresses, names, URLs, mail addresses) and values of unknown type: a mutex or a
path may rightly hold ``[.]``.
"""

import re

from core.values.characters import MAX_CHARS

MOST_LAYERS = 8
"""Each pass takes a layer off; without a bound, a megabyte of brackets would take the whole day."""

_is_marked = re.compile(r"[\[\](){}<>\\*]|xx|__|fxp", re.IGNORECASE).search

_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(?:hxxp|hxtp|htxp|h\*\*p|h__p|h\[tt\]p|h\(tt\)p)([s]?|\[s\]|\(s\))(?=\[?:)", re.IGNORECASE
)
_FTP = re.compile(r"(?<![A-Za-z0-9])(s?)fxp(s?)(?=\[?:)", re.IGNORECASE)
_DOT = re.compile(r" ?(?:\[\s?\.\s?\]|\(\s?\.\s?\)|\{\s?\.\s?\}|[\[({]\s?dot\s?[\])}]) ?", re.IGNORECASE)
_HALF_DOT = re.compile(r"(?<=\w)(?:\[\.|\.\])(?=\w)")
_AT = re.compile(r" ?(?:\[@\]|\(@\)|\{@\}|[\[({]\s?at\s?[\])}]) ?", re.IGNORECASE)
_ESCAPED_DOTS = re.compile(
    r"(?!.*\\\\)(?:[A-Za-z][A-Za-z0-9+.-]*://)?[\w-]+(?:\\\.[\w-]+)+(?:[:/][^\\]*)?"
).fullmatch
_PLAIN_URL = re.compile(
    r"(?P<place>[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:[^\[\](){}<>\\/?#]+|\[[0-9A-Fa-f:.%]+\](?::[0-9]*)?))"
    r"(?P<path>(?:/[^?#]*)?)(?P<rest>(?:[?#].*)?)",
    re.DOTALL,
).fullmatch
_WHOLE = tuple(
    re.compile(pattern, re.DOTALL).fullmatch
    for pattern in (r"\[([^\[\]]*)\]", r"\(([^()]*)\)", r"\{([^{}]*)\}", r"<([^<>]*)>")
)


def refang(text: str) -> str:
    r"""Return *text* as it was before it was defanged; unchanged if it was not.

    Understood: ``[.] (.) {.} [dot] (dot) {dot} \. [. .]`` · ``[:] [://] [:/]`` · ``hxxp hxxps h**p h[tt]p`` and
    such · ``fxp`` · ``[@] [at] (at)`` (not in URLs) · brackets round the whole.  Idempotent.  The brackets of an
    IPv6 address in a URL stay.  A text in more layers of brackets than anybody writes is no value: it stays.

    Of a URL whose scheme and host are as they should be, only ``[.]`` in the path is undone, where no bracket may
    stand: ``(dot)`` or ``hxxp:`` in its path or query is its own.
    """
    if len(text) > MAX_CHARS:
        return text
    plain = text
    for _ in range(MOST_LAYERS):
        if not _is_marked(plain):
            return plain
        before, plain = plain, _once(plain)
        if plain == before:
            return plain
    return text


def is_scheme_defanged(text: str) -> bool:
    """Tell whether the scheme of a URL shows that it is defanged: ``hxxp://evil.example``."""
    return _SCHEME.match(text) is not None or _FTP.match(text) is not None


def _once(text: str) -> str:
    url = _PLAIN_URL(text)
    if url and not is_scheme_defanged(text):
        return url["place"] + url["path"].replace("[.]", ".") + url["rest"]
    text = _SCHEME.sub(lambda found: "https" if found.group(1) else "http", text)
    text = _FTP.sub(lambda found: f"{found.group(1)}ftp{found.group(2)}".lower(), text)
    text = _separated(text)
    text = _DOT.sub(".", text)
    if "[." in text or ".]" in text:
        text = _HALF_DOT.sub(".", text)
    if "://" not in text:
        text = _AT.sub("@", text)
    if "\\" in text and _ESCAPED_DOTS(text):
        text = text.replace("\\.", ".")
    for whole in _WHOLE:
        found = whole(text)
        if found:
            text = found.group(1)
    return text


def _separated(text: str) -> str:
    if "[:" not in text and "[//" not in text and "[/" not in text:
        return text
    for mark, plain in (("[://]", "://"), ("[:]//", "://"), ("[:/]/", "://"), (":[//]", "://"), ("[/]", "/")):
        text = text.replace(mark, plain)
    return text.replace("[:]", ":")
