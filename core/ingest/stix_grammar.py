"""Take STIX patterns apart with the grammar of the standard.

The parser takes a third of a millisecond for the shortest pattern, and feeds hold the same few shapes a hundred
thousand times.  So a short pattern is parsed once per shape: its string literals are numbered, the shape is given
to the parser, and the literals are put back into what it found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any

from core.errors import RefusedValue

MAX_CHARACTERS = 1 << 20
_MAX_SHAPE = 4096
MAX_WORD = 250

_COMPONENT = re.compile(r"\.?'((?:[^'\\]|\\.)*)'|\.?([^.\[\]']+)|\[[^\]]*\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# The string literal of the grammar.  Behind a dot or colon it is a name, behind t, h or b a literal of another kind.
_STRING = re.compile(r"(?<![.:thb])'(?:[^'\\]|\\['\\])*'")
_ANY_STRING = re.compile(r"'(?:[^'\\]|\\['\\])*'")

_has_endless_word = re.compile(rf"[^\s'\[\]().,:=]{{{MAX_WORD + 1}}}").search


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison: ``file:size != 5`` is ``("file", ("size",), "!=", ("5",))``."""

    object_type: str
    path: tuple[str, ...]
    operator: str
    values: tuple[str, ...]
    is_narrowing: bool

    def __str__(self) -> str:
        """Return it as a reader knows it."""
        name = f"{self.object_type}:{'.'.join(self.path)}"
        return name if self.operator == "=" else f"{name} {self.operator}"


def terms(text: str) -> list[Term]:
    """Return the comparisons of the pattern *text* from left to right.

    Raises:
        RefusedValue: It is no pattern.
    """
    if len(text) > MAX_CHARACTERS:
        raise RefusedValue(f"a pattern of more than {MAX_CHARACTERS:,} characters")
    found: tuple[Term, ...] | None = None
    strings: list[str] = []
    outside = _ANY_STRING.sub("", text)
    if _has_endless_word(outside):
        # The parser takes minutes for thirty thousand zeros.
        raise RefusedValue(f"not a STIX pattern (a word of more than {MAX_WORD:,} characters)")
    if len(text) <= _MAX_SHAPE and "'" not in outside and "\\" not in outside:
        strings = _STRING.findall(text)
        numbers = count()
        found = _of_shape(_STRING.sub(lambda _: f"'{next(numbers)}'", text))
    if found is None:  # no pattern, and the message should be about the text that was given
        strings, found = [], tuple(_parsed(text))
    return [replace(term, values=tuple(_literal(value, strings) for value in term.values)) for term in found]


@lru_cache(maxsize=1024)
def _of_shape(shape: str) -> tuple[Term, ...] | None:
    try:
        return tuple(_parsed(shape))
    except RefusedValue:
        return None


def _parsed(text: str) -> Iterator[Term]:
    # The tree is as deep as a chain of ORs is long, so it is walked with a stack of our own.
    stack: list[tuple[Any, bool]] = [(_tree(text), False)]
    while stack:
        node, is_narrowing = stack.pop()
        name = type(node).__name__
        if name.startswith("PropTest") and name != "PropTestParenContext":
            yield _term(node, name, is_narrowing)
            continue
        children = getattr(node, "children", None) or ()
        joins = any(str(child) in ("AND", "FOLLOWEDBY") for child in children if not hasattr(child, "children"))
        stack.extend((child, is_narrowing or joins) for child in reversed(children))


class _Root:
    """A visitor that only wants the tree."""

    def visit(self, tree: Any) -> Any:
        return tree


@lru_cache(maxsize=1)
def _grammars() -> tuple[Any, Any, type[Exception]]:
    # Imported on first use: the parser's runtime costs a tenth of a second.
    from stix2patterns.exceptions import ParseException
    from stix2patterns.v20.pattern import Pattern as Pattern20
    from stix2patterns.v21.pattern import Pattern as Pattern21

    return Pattern21, Pattern20, ParseException


def _tree(text: str) -> Any:
    *grammars, failure = _grammars()
    reason = ""
    # 2.1 has a word more (EXISTS), which a pattern of 2.0 may use as a name.
    for grammar in grammars:
        try:
            return grammar(text).visit(_Root())
        except failure as error:
            reason = reason or str(error)
        except RecursionError:
            raise RefusedValue("a pattern that is nested too deeply") from None
        except Exception as error:  # the generated parser trips over some broken input in ways of its own
            reason = reason or type(error).__name__
    raise RefusedValue(f"not a STIX pattern ({reason})")


def _term(node: Any, name: str, is_narrowing: bool) -> Term:
    object_type, _, rest = node.objectPath().getText().partition(":")
    path = tuple(
        _ESCAPE.sub(r"\1", quoted) if quoted else plain
        for quoted, plain in _COMPONENT.findall(rest)
        if quoted or plain
    )
    operator = _operator(node, name)
    if name == "PropTestSetContext":
        values = tuple(found.getText() for found in node.setLiteral().primitiveLiteral())
    elif name == "PropTestExistsContext":
        values = ()
    else:
        values = (node.getChild(node.getChildCount() - 1).getText(),)
    return Term(object_type, path, operator, values, is_narrowing)


def _operator(node: Any, name: str) -> str:
    if name == "PropTestExistsContext":
        return "NOT EXISTS" if node.NOT() else "EXISTS"
    words: list[str] = [
        node.getChild(at).getText().upper()
        for at in range(1, node.getChildCount() - 1)
        if not hasattr(node.getChild(at), "children")
    ]
    operator = words[-1].replace("==", "=").replace("<>", "!=")
    if words[0] != "NOT":
        return operator
    return {"=": "!=", "!=": "="}.get(operator, f"NOT {operator}")


def _literal(text: str, strings: list[str]) -> str:
    if text.startswith("'"):
        whole = strings[int(text[1:-1])] if strings else text
        return _ESCAPE.sub(r"\1", whole[1:-1])
    return text[2:-1] if text[1:2] == "'" else text
