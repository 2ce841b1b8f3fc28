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

The empty form is an empty file.  What only the program itself finds is found before publishing where it is installed:
by yarac, sigma, suricata.

Sources: the YARA documentation 4.2; the Sigma Rules Specification 2; the Suricata User Guide 7.0.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from core.errors import RefusedValue
from core.exports.formats import Consumer, Option, Output, OutputFile, Value, Values
from core.exports.formatting import suricata_check
from core.exports.formatting.checker import ask
from core.exports.formatting.choices import choice
from core.exports.formatting.sigma_rules import read_sigma
from core.exports.formatting.suricata_texts import read_suricata
from core.exports.formatting.yara_rules import YaraRule, read_yara
from core.values.types import RULE

NAME = "rules"
MEANING = "YARA, Sigma or Suricata rules as they came in, in one file"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".rules"
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
        f"a timer fetches {_FETCH}, and moves it into place if yarac compiles it; yara -r yeti.rules /srv/files",
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
_SIGMA_CHECKS = "validators:\n  - identifier_uniqueness\n"
"""Others of pySigma fetch lists from the network."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The options, understood."""

    name: str


def parse(options: Mapping[str, str]) -> Kind:
    """Return the options, understood."""
    return Kind(choice(options, "kind", (YARA, SIGMA, SURICATA)))


def render_values(batches: Iterator[Values], out: Output, options: Kind) -> None:
    """Write the rules."""
    file = out.open()
    values = (Value(batch.type, text) for batch in batches for text in batch.values)
    _WRITERS[options.name](values, file, out)


def check(files: Sequence[Path], options: Kind) -> list[str]:
    """Return what the program that reads these rules finds wrong."""
    if options.name == SURICATA:
        return suricata_check.findings(files[0])
    with TemporaryDirectory(dir=files[0].parent) as name:
        folder = Path(name)
        if options.name == YARA:
            said = ask("yarac", ["--no-warnings", files[0].absolute(), "compiled"], folder=folder)
            return said.lines("error") or said.lines() if said and said.status else []
        (folder / "checks.yml").write_text(_SIGMA_CHECKS, "utf-8")
        said = ask("sigma", ["check", "-c", "checks.yml", files[0].absolute()], folder=folder)
    return said.lines("rror") or said.lines() if said and said.status else []


def _write_yara(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    written: set[str] = set()
    imported: set[str] = set()
    waiting: list[tuple[Value, YaraRule]] = []

    def write(value: Value, rule: YaraRule) -> None:
        if rule.name in written:
            out.refuse(value, SAME_NAME)
            return
        written.add(rule.name)
        new = [name for name in rule.imports if name not in imported]
        imported.update(new)
        file.write("".join(f'import "{name}"\n' for name in new) + f"{rule.text}\n\n", 1)

    for value in values:
        rule = _read(read_yara, value, out)
        if rule and rule.needs <= written:
            write(value, rule)
        elif rule:
            waiting.append((value, rule))
    while ready := [item for item in waiting if item[1].needs <= written]:
        waiting = [item for item in waiting if not item[1].needs <= written]
        for value, rule in ready:
            write(value, rule)
    for value, _ in waiting:
        out.refuse(value, NEEDS_OTHERS)


def _write_sigma(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    ids: set[str] = set()
    mark = ""
    for value in values:
        rule = _read(read_sigma, value, out)
        if rule and rule.id and rule.id in ids:
            out.refuse(value, "a rule of that id is in the file already")
        elif rule:
            ids.add(rule.id)
            file.write(f"{mark}{rule.text}\n", 1)
            mark = "---\n"


def _write_suricata(values: Iterator[Value], file: OutputFile, out: Output) -> None:
    known: set[tuple[int, int]] = set()
    for value in values:
        rule = _read(read_suricata, value, out)
        if rule and (rule.gid, rule.sid) in known:
            out.refuse(value, "a rule of that sid is in the file already")
        elif rule:
            known.add((rule.gid, rule.sid))
            file.write(f"{rule.text}\n", 1)


def _read(read: Callable[[str], Rule], value: Value, out: Output) -> Rule | None:
    """Return the rule that a text is; refuse what is none."""
    try:
        return read(value.value)
    except RefusedValue as error:
        out.refuse(value, str(error))
        return None


_WRITERS = {YARA: _write_yara, SIGMA: _write_sigma, SURICATA: _write_suricata}
