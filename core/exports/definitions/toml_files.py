"""Write definitions as TOML, as somebody would type it.

The standard library reads TOML and does not write it; what a definition needs of it is little.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_is_bare = re.compile(r"[A-Za-z0-9_-]+").fullmatch


def document(exports: Iterable[Mapping[str, Any]]) -> str:
    """Return a file with these exports, each as its words and what they say."""
    return "\n".join(_table(words) for words in exports)


def _table(words: Mapping[str, Any]) -> str:
    lines = "".join(f"{_key(word)} = {_value(value)}\n" for word, value in words.items())
    return f"[[export]]\n{lines}"


def _key(word: str) -> str:
    return word if _is_bare(word) else _string(word)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    raise TypeError(f"a {type(value).__name__} is not written")


def _string(text: str) -> str:
    # The strings of JSON are strings of TOML, but for this one control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
