"""A YARA rule: whether a text is one rule that compiles beside others, and what it needs.

Source: the YARA documentation 4.2, "Writing YARA rules".  What only the compiler knows (types, members of modules) is
left to it.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from core.errors import RefusedValue
from core.exports.formatting.yara_conditions import Condition, read_condition
from core.exports.formatting.yara_regexes import check_regex
from core.exports.formatting.yara_tokens import END, Tokens

MODULES = frozenset(("console", "cuckoo", "dex", "dotnet", "elf", "hash", "macho", "magic", "math", "pe", "time"))
"""Of YARA 4.2; Debian's has them all."""
LONGEST = 1 << 20
EXTERNALS = frozenset(("extension", "filename", "filepath", "filetype", "md5", "owner"))
"""Variables that scanners define for their rules; no file that is loaded by itself has them."""
IS_GLOBAL = "YARA: a global rule, which would hold for every rule of the file"
_MODIFIERS = {
    "text": frozenset(("nocase", "wide", "ascii", "xor", "base64", "base64wide", "fullword", "private")),
    "regex": frozenset(("nocase", "wide", "ascii", "fullword", "private")),
    "hex": frozenset(("private",)),
}
_EXCLUSIVE = (
    {"nocase", "xor"},
    *({base, other} for base in ("base64", "base64wide") for other in ("nocase", "xor", "fullword")),
)
_BYTE = r"(?:[0-9A-Fa-f?]{2})"
_JUMP = r"(?:\[\s*(?:[0-9]+\s*(?:-\s*[0-9]*)?|-)\s*\])"
_BOUNDED_JUMP = r"(?:\[\s*[0-9]+\s*(?:-\s*[0-9]+\s*)?\])"
_JUMP_BOUNDS = re.compile(r"\[\s*([0-9]*)\s*(-?)\s*([0-9]*)\s*\]")
_SEQUENCE = rf"{_BYTE}\s*(?:(?:{_BYTE}|{_BOUNDED_JUMP})\s*)*"
_ALTERNATIVES = re.compile(rf"\(\s*{_SEQUENCE}(?:\|\s*{_SEQUENCE})*\)")
_is_hex = re.compile(rf"\{{\s*{_BYTE}\s*(?:(?:{_BYTE}|{_JUMP})\s*)*\}}").fullmatch
_ends_in_jump = re.compile(r"\]\s*\}\Z").search


@dataclass(frozen=True, slots=True)
class YaraRule:
    """One rule.

    Attributes:
        name: Its identifier.
        text: The rule with what stands around it, without imports.
        imports: The modules that it imports.
        needs: The rules that it speaks of.
    """

    name: str
    text: str
    imports: tuple[str, ...]
    needs: frozenset[str]


def read_yara(text: str) -> YaraRule:
    """Return the one rule that *text* is.

    Raises:
        RefusedValue: It is none, or several, or one that would not compile or would change others.
    """
    if len(text) > LONGEST:
        raise RefusedValue("YARA: longer than a rule is")
    tokens = Tokens(text)
    imports, plain = _imports(tokens, text)
    marks, name, condition, strings = _rule(tokens)
    if tokens.now.kind != END:
        raise RefusedValue("YARA: more than one rule")
    if "global" in marks:
        raise RefusedValue(IS_GLOBAL)
    if name in MODULES:
        raise RefusedValue("YARA: a rule with the name of a module")
    _check_strings(strings, condition)
    if not condition.names.isdisjoint(EXTERNALS):
        raise RefusedValue("YARA: needs an external variable, which whoever loads the file would have to define")
    unknown = (condition.names & MODULES) - set(imports)
    if unknown or name in condition.names:
        raise RefusedValue("YARA: a module that is not imported" if unknown else "YARA: speaks of itself")
    return YaraRule(name, plain, imports, frozenset(condition.names - set(imports)))


class Part(NamedTuple):
    """Where a rule stands in a text of several: its name, from where to where, and the rules that it speaks of."""

    name: str
    start: int
    end: int
    needs: frozenset[str]


def parts_of(text: str) -> list[Part]:
    """Return the rules of a file that was made of what `read_yara` returned.

    Raises:
        RefusedValue: It was not.
    """
    tokens, parts = Tokens(text), []
    while tokens.now.kind != END:
        while tokens.accept("import"):
            tokens.of_kind("text")
        start = tokens.now.start
        _, name, condition, _ = _rule(tokens)
        parts.append(Part(name, start, tokens.last.end, frozenset(condition.names)))
    return parts


def _rule(tokens: Tokens) -> tuple[set[str], str, Condition, list[str]]:
    """Take one rule; return its marks, its name, its condition, and the names of strings in order."""
    marks: set[str] = set()
    while mark := tokens.accept("private", "global"):
        if mark in marks:
            raise RefusedValue(f"YARA: twice {mark}")
        marks.add(mark)
    tokens.expect("rule")
    return marks, tokens.name(), *_body(tokens)


def _imports(tokens: Tokens, text: str) -> tuple[tuple[str, ...], str]:
    """Take the imports; return the modules, and the text without them."""
    found: list[str] = []
    kept, place = [], 0
    while tokens.has("import", "include"):
        token = tokens.take()
        if token.text == "include":
            raise RefusedValue("YARA: includes another file")
        kept.append(text[place : token.start])
        place = tokens.now.end
        name = tokens.of_kind("text").strip('"')
        if name not in MODULES:
            raise RefusedValue("YARA: imports a module that YARA 4.2 does not have")
        found.append(name)
    kept.append(text[place:])
    return tuple(dict.fromkeys(found)), "".join(kept).strip()


def _body(tokens: Tokens) -> tuple[Condition, list[str]]:
    """Take what follows the name; return the condition, and the names of strings in order."""
    if tokens.accept(":"):
        tags = [tokens.name()]
        while not tokens.has("{"):
            tags.append(tokens.name())
        if len(set(tags)) < len(tags):
            raise RefusedValue("YARA: a tag twice")
    tokens.expect("{")
    if tokens.accept("meta"):
        tokens.expect(":")
        while not tokens.has("strings", "condition"):
            _meta(tokens)
    strings: list[str] = []
    if tokens.accept("strings"):
        tokens.expect(":")
        while not tokens.has("condition"):
            strings.append(_string(tokens))
        if not strings:
            raise RefusedValue("YARA: strings, and none of them")
    tokens.expect("condition")
    tokens.expect(":")
    condition = read_condition(tokens)
    tokens.expect("}")
    return condition, strings


def _meta(tokens: Tokens) -> None:
    tokens.name()
    tokens.expect("=")
    if tokens.now.kind == "text" or tokens.has("true", "false"):
        tokens.take()
        return
    tokens.accept("-")
    if "." in tokens.of_kind("number"):
        raise RefusedValue("YARA: a number with a fraction in meta")


def _string(tokens: Tokens) -> str:
    name = tokens.of_kind("string")[1:]
    if name.endswith("*"):
        raise RefusedValue("YARA: a string with a name that cannot be one")
    tokens.expect("=")
    kind = "hex" if tokens.has("{") else tokens.now.kind
    if kind == "hex":
        _check_hex(tokens.hex_string())
    elif kind == "regex":
        check_regex(tokens.take().text)
    elif tokens.of_kind("text") == '""':
        raise RefusedValue("YARA: an empty string")
    _modifiers(tokens, _MODIFIERS[kind])
    return name


def _check_hex(text: str) -> None:
    _check_jumps(text)
    # The innermost alternatives, as a byte each, until none is left.
    while (shorter := _ALTERNATIVES.sub("00", text)) != text:
        text = shorter
    if not _is_hex(text) or _ends_in_jump(text):
        raise RefusedValue("YARA: a hexadecimal string that is none")


def _check_jumps(text: str) -> None:
    for least, dash, most in _JUMP_BOUNDS.findall(text):
        if not dash and not int(least):
            raise RefusedValue("YARA: a hexadecimal string with a jump over nothing")
        if most and int(least or 0) > int(most):
            raise RefusedValue("YARA: a hexadecimal string with a jump that ends before it begins")


def _modifiers(tokens: Tokens, possible: frozenset[str]) -> None:
    found: set[str] = set()
    while modifier := tokens.accept(*possible):
        if modifier in found:
            raise RefusedValue(f"YARA: twice {modifier}")
        found.add(modifier)
        if modifier in ("base64", "base64wide") and tokens.accept("("):
            if len(tokens.of_kind("text")) < 64 + len('""'):
                raise RefusedValue("YARA: an alphabet of base64 without 64 characters")
            tokens.expect(")")
        elif modifier == "xor" and tokens.accept("("):
            _xor(tokens)
    if any(pair <= found for pair in _EXCLUSIVE):
        raise RefusedValue("YARA: modifiers that exclude each other")


def _xor(tokens: Tokens) -> None:
    bounds = [int(tokens.of_kind("number"), 0)]
    if tokens.accept("-"):
        bounds.append(int(tokens.of_kind("number"), 0))
    tokens.expect(")")
    if bounds[-1] > 255 or bounds[0] > bounds[-1]:
        raise RefusedValue("YARA: xor with what is no range of bytes")


def _check_strings(names: list[str], condition: Condition) -> None:
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise RefusedValue("YARA: two strings of one name")
    if condition.strings - set(named) or (condition.them and not names):
        raise RefusedValue("YARA: a string that is not there")
    for beginning in condition.beginnings:
        if not any(name.startswith(beginning) for name in names):
            raise RefusedValue("YARA: a string that is not there")
    used = condition.strings.union(
        name for name in named if name.startswith(tuple(condition.beginnings) or ("\n",))
    )
    # Later versions let a name that begins with an underscore go unused; 4.2 does not.
    is_used = condition.them or used.issuperset(named)
    if not is_used or ("" in names and not condition.them and "" not in condition.beginnings):
        raise RefusedValue("YARA: a string that is not used")
