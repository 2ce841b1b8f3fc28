"""The words of YARA 4: what a text of rules is made of, comments left out."""

import re
from typing import NamedTuple

from core.errors import RefusedValue

KEYWORDS = frozenset((
    "all", "and", "any", "ascii", "at", "base64", "base64wide", "condition", "contains", "defined", "endswith",
    "entrypoint", "false", "filesize", "for", "fullword", "global", "icontains", "iendswith", "iequals", "import", "in",
    "include", "int16", "int16be", "int32", "int32be", "int8", "int8be", "istartswith", "matches", "meta", "nocase",
    "none", "not", "of", "or", "private", "rule", "startswith", "strings", "them", "true", "uint16", "uint16be",
    "uint32", "uint32be", "uint8", "uint8be", "wide", "xor",
))  # fmt: skip
LONGEST_NAME = 128
LARGEST_NUMBER = 2**63 - 1
END = "end"
_UNITS = {"KB": 1 << 10, "MB": 1 << 20}

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n\r]|\\(?:["\\tnr]|x[0-9a-fA-F]{2}))*")
    |(?P<regex>/(?![*/])(?:[^/\\\n]|\\[^\n])+/i?s?)
    |(?P<string>\$[A-Za-z0-9_]*\*?)
    |(?P<count>[#@!](?![=])[A-Za-z0-9_]*)
    |(?P<number>0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+(?:\.[0-9]+|KB|MB)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><<|>>|<=|>=|==|!=|\.\.|[-<>=+*\\%&|^~()\[\]{}.,:])""",
    re.VERBOSE | re.DOTALL,
)
_HEX = re.compile(r"\{(?:[^{}/]|//[^\n]*|/\*.*?\*/)*\}", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class Token(NamedTuple):
    """A word, where it begins and ends; its kind is a group of the pattern above, or ``word`` for keywords, too."""

    kind: str
    text: str
    start: int
    end: int


def number_of(text: str) -> float:
    """Return the number that a word of the kind ``number`` is."""
    if "." in text:
        return float(text)
    unit = _UNITS.get(text[-2:], 1)
    return int(text.removesuffix("KB").removesuffix("MB"), 0 if text[:2] in ("0x", "0o") else 10) * unit


class Tokens:
    """The words of a text, one after the other.

    Attributes:
        now: The word that comes next; at the end of the text it has the kind ``end``.
        last: The word before it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.now = self.last = self._read(0)

    def next_but_one(self) -> Token:
        """Return the word behind the next one."""
        return self._read(self.now.end)

    def take(self) -> Token:
        """Return the next word and go on behind it."""
        self.last = self.now
        self.now = self._read(self.last.end)
        return self.last

    def has(self, *texts: str) -> bool:
        """Say whether the next word is a keyword or sign out of *texts*."""
        return self.now.kind in ("word", "sign") and self.now.text in texts

    def accept(self, *texts: str) -> str:
        """Take the next word if it is one of *texts*, and return it; else nothing."""
        return self.take().text if self.has(*texts) else ""

    def expect(self, text: str) -> None:
        """Take the next word, which must be *text*."""
        if not self.accept(text):
            raise RefusedValue(f"YARA: no {text!r} where there must be one")

    def name(self) -> str:
        """Take a word that may be the name of something."""
        token = self.take()
        if token.kind != "word" or token.text in KEYWORDS or len(token.text) > LONGEST_NAME:
            raise RefusedValue("YARA: a name that cannot be one")
        return token.text

    def of_kind(self, kind: str) -> str:
        """Take a word of a kind."""
        token = self.take()
        if token.kind != kind:
            raise RefusedValue(f"YARA: no {kind} where there must be one")
        return token.text

    def hex_string(self) -> str:
        """Take what is between braces as it stands, comments left out, and the braces with it."""
        found = _HEX.match(self._text, self.now.start)
        if found is None:
            raise RefusedValue("YARA: a hexadecimal string without end")
        self.now = self._read(found.end())
        return _COMMENT.sub(" ", found[0])

    def _read(self, place: int) -> Token:
        while place < len(self._text):
            found = _TOKEN.match(self._text, place)
            if found is None:
                raise RefusedValue("YARA: a character or an escape that has no place there")
            if found.lastgroup == "number" and number_of(found[0]) > LARGEST_NUMBER:
                raise RefusedValue(f"YARA: a number beyond {LARGEST_NUMBER}")
            if found.lastgroup != "space":
                return Token(found.lastgroup or "", found[0], place, found.end())
            place = found.end()
        return Token(END, "", place, place)
