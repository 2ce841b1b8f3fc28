"""Read the indicator patterns of STIX 2 with the grammar of the standard.

Every comparison ``=``, ``IN`` and ``ISSUBSET`` on a property that is an observable gives that observable, inside
OR and inside AND alike: a pattern of hash AND file name gives both, as the same facts do in a MISP event.  The
pattern itself is kept as context by the caller wherever it says more than one comparison.
What cannot be said by a value (LIKE, MATCHES, negations, sizes) is refused where it stands alone or in an OR;
in an AND it only narrows the others down, and is passed over.  Decision 0026 has the reasons.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.errors import RefusedValue
from core.ingest.lines import excerpt
from core.ingest.stix_paths import kind_of
from core.ingest.typed import IP, typed
from core.schemas.claim import Refusal

MAX_CHARACTERS = 1 << 20

_EQUAL = ("=", "IN", "ISSUBSET")
_COMPONENT = re.compile(r"\.?'((?:[^'\\]|\\.)*)'|\.?([^.\[\]']+)|\[[^\]]*\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


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
        return f"{self.object_type}:{'.'.join(self.path)} {self.operator}"


@dataclass(slots=True)
class Reading:
    """What a pattern gave: observables, each once, and what of it could not be taken."""

    observables: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    is_single: bool = True


def read_pattern(text: str, line: int = 0) -> Reading:
    """Read *text*, a pattern of STIX 2.0 or 2.1; nothing is raised, whatever it is."""
    reading = Reading()
    try:
        found = list(terms(text))
    except RefusedValue as error:
        reading.refusals.append(Refusal(line, str(error), excerpt(text)))
        return reading
    reading.is_single = len(found) == 1 and len(found[0].values) == 1
    for term in found:
        _read_term(term, reading, line)
    if not reading.observables and not reading.refusals:
        reasons = ", ".join(dict.fromkeys(map(str, found)))
        reading.refusals.append(
            Refusal(line, f"no value can express the pattern ({reasons})"[:300], excerpt(text))
        )
    reading.observables = list(dict.fromkeys(reading.observables))
    return reading


def _read_term(term: Term, reading: Reading, line: int) -> None:
    kind = kind_of(term.object_type, term.path)
    if kind is None or term.operator not in _EQUAL or (term.operator == "ISSUBSET" and kind != IP):
        if not term.is_narrowing:
            what = "not an observable" if kind is None else "no value can express it"
            reading.refusals.append(Refusal(line, f"{term}: {what}", excerpt(", ".join(term.values))))
        return
    for value in term.values:
        try:
            reading.observables.append(typed(kind, value))
        except RefusedValue as error:
            reading.refusals.append(Refusal(line, f"{term}: {error}", excerpt(value)))


def terms(text: str) -> Iterator[Term]:
    """Yield the comparisons of the pattern *text* from left to right.

    Raises:
        RefusedValue: It is no pattern.
    """
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
    if len(text) > MAX_CHARACTERS:
        raise RefusedValue(f"a pattern of more than {MAX_CHARACTERS:,} characters")
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
        values = tuple(_literal(found.getText()) for found in node.setLiteral().primitiveLiteral())
    elif name == "PropTestExistsContext":
        values = ()
    else:
        values = (_literal(node.getChild(node.getChildCount() - 1).getText()),)
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


def _literal(text: str) -> str:
    if text.startswith("'"):
        return _ESCAPE.sub(r"\1", text[1:-1])
    return text[2:-1] if text[1:2] == "'" else text
