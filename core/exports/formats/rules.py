"""Detection rules that came in as rules, in one file: YARA, Sigma or Suricata, by the option ``kind``.

A rule is what its text says, not what its tags say: it is read, and what is no rule of the kind, or would not load, is
refused, so that one does not take the file with it.  A selection by the tag ``yara``, ``sigma`` or ``suricata``, which the
import gives, keeps the others from being counted as refused.  The text stays as it came.

======== =============================================================================================================
YARA     rules one after the other; ``import`` stands once, before the first rule that needs it.  A rule that speaks of
         others comes behind them, and is refused without them.  Of two with one name the first is taken, in the
         order of texts.  Refused are ``include``, and global rules, which would hold for every other rule.
Sigma    YAML documents between ``---``.  Of two with one id the first is taken.  Refused are collections and rules that
         speak of others, which would change them.
Suricata one rule a line, with its own sid, each once for each gid.  Refused are keywords and variables that Suricata 7 as
         it is delivered does not have, and rules that need a file beside them.
======== =============================================================================================================

The empty form is an empty file.  What only the program itself finds is found before publishing where it is installed, by
yarac, sigma, suricata: the rules that it refuses are left out, with its reason, and the others published.

Sources: the YARA documentation 4.2; the Sigma Rules Specification 2; the Suricata User Guide 7.0.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.errors import RefusedValue
from core.exports.formats import Consumer, Finding, Option, Output, OutputFile, Value, Values
from core.exports.formatting import suricata_check
from core.exports.formatting.choices import choice
from core.exports.formatting.rules_check import SIGMA_MARK, bad_sigma, bad_yara
from core.exports.formatting.sigma_rules import read_sigma
from core.exports.formatting.suricata_texts import read_suricata
from core.exports.formatting.yara_rules import YaraRule, read_yara
from core.values.types import RULE

NAME = "rules"
MEANING = "YARA, Sigma or Suricata rules as they came in, in one file"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".yar"
SUFFIXES = {"yara": SUFFIX, "sigma": ".yml", "suricata": ".rules"}
TYPES = frozenset({RULE})
MEMORY_BYTES_PER_ENTRY = 256
YARA, SIGMA, SURICATA = "yara", "sigma", "suricata"
SAME_NAME = "a rule of that name is in the file already"
NEEDS_OTHERS = "speaks of a rule that is not in the file"
OPTIONS = {"kind": Option(YARA, f"which rules: {YARA}, {SIGMA} or {SURICATA}")}
_FETCH = "https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer"
CONSUMERS = (
    Consumer(
        "YARA, files of rules",
        "what its memory holds; a condition may speak of modules that YARA 4.2 has",
        "nothing of the file is compiled",
        f"a timer fetches {_FETCH}, and moves it into place if yarac compiles it; yara -r yeti.yar /srv/files",
        checker="yarac",
    ),
    Consumer(
        "Sigma, sigma-cli",
        "what its memory holds",
        "sigma convert stops; with --skip-unsupported it goes on without the rule",
        f"a timer fetches {_FETCH}; sigma convert -t BACKEND -p PIPELINE yeti.yml gives the queries of a SIEM",
        checker="sigma check",
        options="kind=sigma",
    ),
    Consumer(
        "Suricata, rules as they came",
        "some ten thousand rules; Suricata 7",
        "the rule is skipped with an error in the log; suricata -T, with which updates are mostly tried, refuses the "
        "whole file",
        f"rule-files: [/var/lib/suricata/rules/yeti.rules] in suricata.yaml; a timer fetches {_FETCH}, asks suricata -T "
        "-S, and does suricatasc -c ruleset-reload-nonblocking",
        checker="suricata -T",
        options="kind=suricata",
    ),
)
Rule = TypeVar("Rule")
_CHECKS = {YARA: bad_yara, SIGMA: bad_sigma, SURICATA: suricata_check.bad_rules}
_MOST_TOLD = 5
_MOST_REASONS = 20
_LONGEST_TOLD = 80


@dataclass(frozen=True, slots=True)
class Kind:
    """The options, understood."""

    name: str


def parse(options: Mapping[str, str]) -> Kind:
    """Return the options, understood."""
    return Kind(choice(options, "kind", (YARA, SIGMA, SURICATA)))


def suffix(options: Kind) -> str:
    """Return the suffix of the published file."""
    return SUFFIXES[options.name]


def render_values(batches: Iterator[Values], out: Output, options: Kind) -> None:
    """Write the rules."""
    file = out.open()
    values = (Value(batch.type, text) for batch in batches for text in batch.values)
    _WRITERS[options.name](values, file, out)


def check(files: Sequence[Path], options: Kind) -> list[Finding]:
    """Return the rules that the program which reads them refuses, each by itself."""
    return _CHECKS[options.name](files[0])


class _Refused:
    """The rules that the program refused when the file was written before."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._seen: Counter[str] = Counter()
        self._told = 0
        self._reasons: set[str] = set()
        self.is_last = out.tried.is_last

    def has(self, value: Value, key: str, name: str) -> bool:
        """Say whether a rule is one of them, and refuse it then; of those of one key the first ones are."""
        reasons = self._out.tried.bad.get(key, ())
        number = self._seen[key]
        if not reasons or (number >= len(reasons) and not self.is_last):
            return False
        self._seen[key] += 1
        reason = reasons[min(number, len(reasons) - 1)]
        if len(self._reasons) >= _MOST_REASONS and reason not in self._reasons:
            reason = reason.partition(": ")[0]  # each reason is counted, and told, by itself
        self._reasons.add(reason)
        self._out.refuse(value, reason)
        self._told += 1
        if self._told <= _MOST_TOLD:
            self._out.note(f"the rule {name} is left out: {reason}; have its source mend it, or withdraw it")
        return True


class _YaraFile:
    """A file of YARA rules that is being written; a rule waits until those stand there that it speaks of."""

    def __init__(self, file: OutputFile, out: Output) -> None:
        self._file, self._out, self._refused = file, out, _Refused(out)
        self._written: set[str] = set()
        self._imported: set[str] = set()
        self._waiting: list[tuple[Value, YaraRule]] = []
        self._missing: list[int] = []
        self._waiting_for: dict[str, list[int]] = {}
        self._ready: list[int] = []

    def add(self, value: Value, rule: YaraRule) -> None:
        """Write a rule, or let it wait."""
        missing = rule.needs - self._written
        if not missing:
            self._write(value, rule)
            return
        for name in missing:
            self._waiting_for.setdefault(name, []).append(len(self._waiting))
        self._waiting.append((value, rule))
        self._missing.append(len(missing))

    def finish(self) -> None:
        """Write what waits and has what it needs by now; refuse the others."""
        while ready := sorted(self._ready):
            self._ready = []
            for number in ready:
                self._write(*self._waiting[number])
        for missing, (value, _) in zip(self._missing, self._waiting, strict=True):
            if missing:
                self._out.refuse(value, NEEDS_OTHERS)

    def _write(self, value: Value, rule: YaraRule) -> None:
        if rule.name in self._written:
            self._out.refuse(value, SAME_NAME)
            return
        if self._refused.has(value, rule.name, rule.name):
            return
        self._written.add(rule.name)
        new = [name for name in rule.imports if name not in self._imported]
        self._imported.update(new)
        self._file.write("".join(f'import "{name}"\n' for name in new) + f"{rule.text}\n\n", 1)
        for number in self._waiting_for.pop(rule.name, ()):
            self._missing[number] -= 1
            if not self._missing[number]:
                self._ready.append(number)


def _write_yara(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    rules = _YaraFile(file, out)
    for value in values:
        if rule := _read(read_yara, value, out):
            rules.add(value, rule)
    rules.finish()


def _write_sigma(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    ids: set[str] = set()
    refused = _Refused(out)
    mark = ""
    for value in values:
        rule = _read(read_sigma, value, out)
        if rule is None:
            continue
        if rule.id and rule.id in ids:
            out.refuse(value, "a rule of that id is in the file already")
        elif not refused.has(value, rule.text, repr(_start_of(rule.title)) + (f" ({rule.id})" if rule.id else "")):
            ids.add(rule.id)
            file.write(f"{mark}{rule.text}\n", 1)
            mark = SIGMA_MARK
        elif refused.is_last:
            ids.add(rule.id)


def _write_suricata(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    known: set[tuple[int, int]] = set()
    refused = _Refused(out)
    for value in values:
        rule = _read(read_suricata, value, out)
        if rule is None:
            continue
        key = (rule.gid, rule.sid)
        if key in known:
            out.refuse(value, "a rule of that sid is in the file already")
        elif not refused.has(value, rule.text, f"with the sid {rule.sid} ({_start_of(rule.text)})"):
            known.add(key)
            file.write(f"{rule.text}\n", 1)
        elif refused.is_last:
            known.add(key)


def _start_of(text: str) -> str:
    """Return the first words of a text."""
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"


def _read(read: Callable[[str], Rule], value: Value, out: Output) -> Rule | None:
    """Return the rule that a text is; refuse what is none."""
    try:
        return read(value.value)
    except RefusedValue as error:
        out.refuse(value, str(error))
        return None


_WRITERS = {YARA: _write_yara, SIGMA: _write_sigma, SURICATA: _write_suricata}
