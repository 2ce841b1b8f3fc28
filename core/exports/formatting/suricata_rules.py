"""What the formats with rules for Suricata share: their options, sids that stay, and contents that are safe.

A sid is ``sid`` (the option) and eight for each number that was given before, and which of the rules of an observable
it is.  All exports take their numbers from one row, so that rules of several can be loaded together, as long as they
have the same option ``sid``.  Eight are more than are used: a rule that comes to an observable later has a sid kept.

Source: the Suricata User Guide 7.0, "Rules Format", "Meta Keywords" and "Payload Keywords".
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from operator import itemgetter

from core.errors import DefinitionError, RenderError
from core.exports.formats import Option, Output, Value
from core.exports.formatting.choices import choice, choices
from core.exports.formatting.choices import number as number_of

KIND = "suricata sid"
STEP = 8
LARGEST_SID = 2**32 - 1
BEYOND = "its sid would be beyond 4294967295"
OPTIONS = {
    "action": Option("alert", "what a match does: alert, or drop where Suricata stands in the way"),
    "sid": Option("1000000000", "sids begin here; the same in all exports that one Suricata loads"),
    "msg": Option("Yeti", "what messages of alerts begin with"),
    "classtype": Option("trojan-activity", "a name out of classification.config, or nothing"),
    "metadata": Option("", "for the keyword metadata: 'KEY VALUE, KEY VALUE'"),
}
PROTOCOLS = ("dns", "tls", "http", "quic")
PROTOCOLS_OPTION = Option("dns,tls,http", f"where names are looked for, of {', '.join(PROTOCOLS)}")
_NUMBER = itemgetter(0)
_is_message = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,()/-]{0,63}").fullmatch
_is_classtype = re.compile(r"[a-z0-9-]{0,64}").fullmatch
_WORD = r"[A-Za-z0-9_.-]{1,64}"
_is_metadata = re.compile(rf"(?:{_WORD} {_WORD}(?:, ?{_WORD} {_WORD}){{0,15}})?").fullmatch
_UNSAFE = re.compile(r"[^ !#-9<-\[\]-{}~]")
"""What a content has as hex: ``" : ; \\ |`` and what is not printable ASCII."""


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """The options of rules, understood.

    Attributes:
        action: ``alert`` or ``drop``.
        first_sid: Where sids begin.
        message: What messages begin with.
        tail: What stands between a match and the sid: classtype and metadata.
    """

    action: str
    first_sid: int
    message: str
    tail: str

    def body(self, head: str, message: str, match: str) -> str:
        """Return a rule up to its sid.

        Args:
            head: Protocol, addresses, ports and direction.
            message: What follows in the message; safe.
            match: Options, each with its semicolon.
        """
        before = f'{self.action} {head} (msg:"{self.message} {message}";'
        return f"{before} {match} {self.tail}" if match else f"{before} {self.tail}"


def parse_rule_options(options: Mapping[str, str]) -> RuleOptions:
    """Return the options of rules, understood.

    Raises:
        DefinitionError: One of them would break a rule.
    """
    for key, is_legal, what in (
        ("msg", _is_message, "up to 64 letters, digits, blanks and _.,()/-"),
        ("classtype", _is_classtype, "a word of a-z, digits and -, or nothing"),
        ("metadata", _is_metadata, "pairs of words as in 'source yeti, level high'"),
    ):
        if not is_legal(options[key]):
            raise DefinitionError(f"the option {key} is {what}, not {options[key]!r}")
    tail = "".join(f"{key}:{options[key]}; " for key in ("classtype", "metadata") if options[key])
    return RuleOptions(
        choice(options, "action", ("alert", "drop")),
        number_of(options, "sid", 1, LARGEST_SID - STEP),
        options["msg"].rstrip(),
        tail,
    )


def parse_protocols(options: Mapping[str, str]) -> list[str]:
    """Return the option ``protocols``, in the order of `PROTOCOLS`.

    Raises:
        DefinitionError: It names none, or another.
    """
    return choices(options, "protocols", PROTOCOLS)


def content(text: str) -> str:
    """Return *text* as it stands in a content, without the quotes."""
    return _UNSAFE.sub(lambda found: "".join(f"|{byte:02x}|" for byte in found[0].encode()), text)


def revision_of(bodies: Sequence[str]) -> str:
    """Return a text that is another one where any of *bodies* is."""
    return hashlib.sha256("\n".join(bodies).encode()).hexdigest()


def rule_lines(
    options: RuleOptions, out: Output, texts: Sequence[tuple[Value, str]], rules: Mapping[int, Sequence[str]]
) -> tuple[str, int]:
    """Return the rules of some observables, and how many observables those are.

    Args:
        options: Of all rules.
        out: Gives numbers; an observable whose sid would be too large is refused there.
        texts: The observables, each with the text that has a revision.
        rules: Which of the rules of an observable (0 to 7) -> bodies, one for each observable.
    """
    numbers = out.numbers(KIND, texts) if texts else []
    most = (LARGEST_SID - options.first_sid) // STEP
    if numbers and max(map(_NUMBER, numbers)) > most:
        fits = [found.number <= most for found in numbers]
        for (value, _), does_fit in zip(texts, fits, strict=True):
            if not does_fit:
                out.refuse(value, BEYOND)
        numbers = list(compress(numbers, fits))
        rules = {slot: list(compress(bodies, fits)) for slot, bodies in rules.items()}
    first = options.first_sid - STEP
    lines = [
        [
            f"{body}sid:{first + STEP * number + slot}; rev:{revision};)\n"
            for body, (number, revision) in zip(bodies, numbers, strict=True)
        ]
        for slot, bodies in rules.items()
    ]
    return "".join(chain.from_iterable(zip(*lines, strict=True))), len(numbers)


def list_rules(options: RuleOptions, out: Output, kind: str, rules: Mapping[int, str]) -> str:
    """Return rules that are about a whole list, with sids as those of an observable.

    Args:
        options: Of all rules.
        out: Gives numbers.
        kind: What is on the list; a list of each kind for each export.
        rules: Which of the rules of the list (0 to 7) -> body.

    Raises:
        RenderError: The sid is too large.
    """
    revised = [(Value("list", kind), revision_of([*rules.values()]))]
    lines, count = rule_lines(options, out, revised, {slot: [body] for slot, body in rules.items()})
    if not count:
        raise RenderError(f"the rules for {kind}: {BEYOND}")
    return lines
