"""The condition of a YARA rule: whether it is one, and which strings, modules and rules it speaks of.

What modules have in them is not looked at: that is found by the compiler alone.
Source: the YARA documentation 4.2, "Writing YARA rules", "Conditions".
"""

from dataclasses import dataclass, field

from core.errors import RefusedValue
from core.exports.formatting.yara_kinds import NUMBERS, TEXTS, WHOLE, Kind, require
from core.exports.formatting.yara_regexes import check_regex
from core.exports.formatting.yara_tokens import Tokens, number_of

_OF_TEXTS = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iequals", "matches")
_LEVELS = (
    ("or",),
    ("and",),
    (),  # not, defined
    ("==", "!=", *_OF_TEXTS),
    ("<", "<=", ">", ">="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "\\", "%"),
)
_OR, _AND, _NOT, _EQUAL, _ORDER, _ARITHMETIC = range(6)
_OF_INTEGERS = frozenset(("|", "^", "&", "<<", ">>", "%"))
_INTEGERS = {f"{sign}int{bits}{end}" for sign in ("", "u") for bits in (8, 16, 32) for end in ("", "be")}
_MOST_LOOPS = 4
_MOST_DEPTH = 440


@dataclass(slots=True)
class Condition:
    """What a condition speaks of.

    Attributes:
        strings: Names of strings without ``$``.
        beginnings: Beginnings of such, from ``$a*``.
        them: Whether it speaks of all of them.
        names: What it calls by name and has not made itself: modules and rules.
    """

    strings: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)
    them: bool = False
    names: set[str] = field(default_factory=set)


def read_condition(tokens: Tokens) -> Condition:
    """Take a condition.

    Raises:
        RefusedValue: It is none.
    """
    reader = _Reader(tokens)
    reader.expression()
    return reader.found


class _Reader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.found = Condition()
        self._loops: list[set[str]] = []
        self._anonymous = 0
        self._depth = 0
        self._is_quantifier = False

    def expression(self, level: int = 0) -> Kind:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise RefusedValue("YARA: a condition with more parts in each other than can be read")
        if level == _NOT and self.tokens.accept("not", "defined"):
            self.expression(_NOT)
            kind = Kind.TRUTH
        elif level == len(_LEVELS):
            kind = self._unary()
        else:
            kind = self.expression(level + 1)
            while operator := self.tokens.accept(*_LEVELS[level]):
                kind = self._combined(kind, operator, level)
        self._depth -= 1
        return kind

    def integer(self, level: int = _ARITHMETIC) -> None:
        """Read what must be a whole number."""
        require(self.expression(level), WHOLE)

    def _combined(self, left: Kind, operator: str, level: int) -> Kind:
        if operator == "matches":
            require(left, TEXTS)
            check_regex(self.tokens.of_kind("regex"))
            return Kind.TRUTH
        self._check_constant(left, operator)
        right = self.expression(level + 1)
        if level < _NOT:
            return Kind.TRUTH
        if level in (_EQUAL, _ORDER):
            kinds = {left, right} - {Kind.UNKNOWN}
            require(left, TEXTS if operator in _OF_TEXTS else (*NUMBERS, Kind.TEXT))
            require(right, TEXTS if operator in _OF_TEXTS else (*NUMBERS, Kind.TEXT))
            if Kind.TEXT in kinds and len(kinds) > 1:
                raise RefusedValue("YARA: a text that is compared with a number")
            return Kind.TRUTH
        for kind in (left, right):
            require(kind, WHOLE if operator in _OF_INTEGERS else NUMBERS)
        return left if left == right else Kind.UNKNOWN

    def _check_constant(self, left: Kind, operator: str) -> None:
        """Raise if a number that stands there as it is cannot be on the right."""
        now = self.tokens.now
        is_zero = now.kind == "number" and "." not in now.text and not number_of(now.text)
        if is_zero and (operator == "%" or (operator == "\\" and left is not Kind.FRACTION)):
            raise RefusedValue("YARA: a division by zero")
        is_negative = self.tokens.has("-") and self.tokens.next_but_one().kind == "number"
        if is_negative and operator in ("<<", ">>"):
            raise RefusedValue("YARA: a shift by less than nothing")

    def _unary(self) -> Kind:
        signs = ""
        while sign := self.tokens.accept("-", "~"):
            signs += sign
        kind = self._primary()
        if self.tokens.has("%") and self.tokens.next_but_one().text == "of":
            self.tokens.take()
        if self.tokens.has("of") and not self._is_quantifier:
            require(kind, WHOLE)
            self.tokens.take()
            self._set()
            self._range_after_in()
            kind, signs = Kind.TRUTH, ""  # they were of the number
        if signs:
            require(kind, WHOLE if "~" in signs else NUMBERS)
        return kind

    def _primary(self) -> Kind:
        token, tokens = self.tokens.now, self.tokens
        if token.kind == "string":
            return self._string(tokens.take().text[1:], is_place=True)
        if token.kind == "count":
            return self._count(tokens.take().text)
        if token.kind == "number":
            return Kind.FRACTION if "." in tokens.take().text else Kind.INTEGER
        if token.kind == "text":
            tokens.take()
            return Kind.TEXT
        if tokens.accept("("):
            kind = self.expression()
            tokens.expect(")")
            return kind
        return self._word()

    def _word(self) -> Kind:
        tokens = self.tokens
        if tokens.accept("true", "false"):
            return Kind.TRUTH
        if tokens.accept("filesize", "entrypoint"):
            return Kind.INTEGER
        if tokens.accept("all", "any", "none"):
            if not tokens.has("of"):
                raise RefusedValue("YARA: a quantifier without 'of'")
            return Kind.UNKNOWN
        if tokens.accept("for"):
            self._for()
            return Kind.TRUTH
        if tokens.accept(*_INTEGERS):
            tokens.expect("(")
            self.integer()
            tokens.expect(")")
            return Kind.INTEGER
        self._call()
        return Kind.UNKNOWN

    def _string(self, name: str, *, is_place: bool = False) -> Kind:
        if name.endswith("*") or (not name and not self._anonymous):
            raise RefusedValue("YARA: a string that is not named")
        if name:
            self.found.strings.add(name)
        if is_place and self.tokens.accept("at"):
            self.integer()
        elif is_place:
            self._range_after_in()
        return Kind.TRUTH

    def _range_after_in(self) -> None:
        if self.tokens.accept("in"):
            self.tokens.expect("(")
            self.integer()
            self.tokens.expect("..")
            self.integer()
            self.tokens.expect(")")

    def _count(self, text: str) -> Kind:
        self._string(text[1:])
        if text[0] == "#":
            self._range_after_in()
        elif self.tokens.accept("["):
            self.integer()
            self.tokens.expect("]")
        return Kind.INTEGER

    def _call(self) -> None:
        name = self.tokens.name()
        if not any(name in names for names in self._loops):
            self.found.names.add(name)
        while sign := self.tokens.accept(".", "[", "("):
            if sign == ".":
                self.tokens.name()
            elif sign == "[":
                self.expression(_ARITHMETIC)
                self.tokens.expect("]")
            elif not self.tokens.accept(")"):
                self._arguments()

    def _arguments(self) -> None:
        while True:
            if self.tokens.now.kind == "regex":
                check_regex(self.tokens.take().text)
            else:
                self.expression()
            if self.tokens.accept(")"):
                return
            self.tokens.expect(",")

    def _set(self) -> None:
        tokens = self.tokens
        if tokens.accept("them"):
            self.found.them = True
            return
        tokens.expect("(")
        while True:
            if tokens.now.kind == "string":
                self._one_of_set(tokens.take().text[1:])
            else:
                self.found.names.add(tokens.name())
                if tokens.has("*"):
                    raise RefusedValue("YARA: speaks of rules by the beginning of their names")
            if tokens.accept(")"):
                return
            tokens.expect(",")

    def _one_of_set(self, name: str) -> None:
        if not name:
            raise RefusedValue("YARA: a string that is not named")
        (self.found.beginnings if name.endswith("*") else self.found.strings).add(name.removesuffix("*"))

    def _for(self) -> None:
        tokens = self.tokens
        if not tokens.accept("all", "any", "none"):
            self._quantifier()
        if tokens.accept("of"):
            self._set()
            self._anonymous += 1
            self._body(set())
            self._anonymous -= 1
            return
        names = {tokens.name()}
        while tokens.accept(","):
            names.add(tokens.name())
        tokens.expect("in")
        self._iterator()
        self._body(names)

    def _quantifier(self) -> None:
        before, self._is_quantifier = self._is_quantifier, True
        self.integer()
        self._is_quantifier = before

    def _iterator(self) -> None:
        if not self.tokens.accept("("):
            self._call()
            return
        self.integer()
        if self.tokens.accept(".."):
            self.integer()
        else:
            while self.tokens.accept(","):
                self.integer()
        self.tokens.expect(")")

    def _body(self, names: set[str]) -> None:
        self._loops.append(names)
        if len(self._loops) > _MOST_LOOPS:
            raise RefusedValue("YARA: more than four loops in each other")
        self.tokens.expect(":")
        self.tokens.expect("(")
        self.expression()
        self.tokens.expect(")")
        self._loops.pop()
