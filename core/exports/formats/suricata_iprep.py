"""Reputation of addresses for Suricata: ``192.0.2.1/32,1,100`` a line, which is address, category and score.

The set is the list, ``NAME-categories.txt`` with the one category, and ``NAME-iprep.rules`` with the rule that looks it
up; the empty form is an empty list, for which there are category and rule all the same.

An address is written as a network of one.  Without a length, Suricata keeps it in its table of hosts, and beyond some
200,000 of them that (``host.memcap``) is full: what comes after is not listed, with one line in the log.  A line that it
cannot read does not make ``suricata -T`` fail either, which is why the check before publishing reads the log.

Of networks within each other Suricata knows the smallest that an address is in.  Within this list all have one
category and score, so that nothing is lost; lists of several categories hide each other's networks.

Source: the Suricata User Guide 7.0, "IP Reputation".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import splitext

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, Option, Output, Values
from core.exports.formatting import suricata_check
from core.exports.formatting.addresses import accepted
from core.exports.formatting.choices import number
from core.exports.formatting.suricata_rules import OPTIONS as RULE_OPTIONS
from core.exports.formatting.suricata_rules import RuleOptions, list_rules, parse_rule_options
from core.values.types import CIDR, IPV4, IPV6

NAME = "suricata-iprep"
MEANING = "reputation of addresses and networks for Suricata, with the rule that looks it up"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".list"
TYPES = frozenset({IPV4, IPV6, CIDR})
LARGEST_CATEGORY, LARGEST_SCORE = 59, 127
OPTIONS = RULE_OPTIONS | {
    "category": Option("yeti", "the short name of the category: 31 letters, digits and _.- at most"),
    "number": Option("1", f"the number of the category, 1 to {LARGEST_CATEGORY}"),
    "score": Option("100", f"the score of every address, 1 to {LARGEST_SCORE}"),
}
CONSUMERS = (
    Consumer(
        "Suricata, IP reputation",
        "what its memory holds, some 300 bytes an entry; a million load in 12 s; 59 categories; one file of categories for "
        "all lists",
        "the line is left out with an error in the log, and the rest is taken; suricata -T ends as if all were well",
        "reputation-categories-file: /etc/suricata/iprep/yeti-categories.txt, default-reputation-path: "
        "/etc/suricata/iprep and reputation-files: [yeti.list] in suricata.yaml, and yeti-iprep.rules below rule-files; a "
        "timer fetches all files of the set from https://HOST/exports/ with the header 'Authorization: Bearer TOKEN' of "
        "a consumer, asks suricata -T, and does suricatasc -c ruleset-reload-nonblocking; with several lists, their "
        "categories go to one file",
        checker="suricata -T",
    ),
)
_is_category = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}").fullmatch
_CONFIGURATION = """reputation-categories-file: {folder}/categories.txt
default-reputation-path: {folder}
reputation-files: [reputation.list]
"""


@dataclass(frozen=True, slots=True)
class Reputation:
    """The options, understood."""

    rule: RuleOptions
    category: str
    number: int
    score: int


def parse(options: Mapping[str, str]) -> Reputation:
    """Return the options, understood."""
    if not _is_category(options["category"]):
        raise DefinitionError(
            f"the option category is 31 letters, digits and _.- at most, not {options['category']!r}"
        )
    return Reputation(
        parse_rule_options(options),
        options["category"],
        number(options, "number", 1, LARGEST_CATEGORY),
        number(options, "score", 1, LARGEST_SCORE),
    )


def render_values(batches: Iterator[Values], out: Output, options: Reputation) -> None:
    """Write the list, the category and the rule."""
    file = out.open()
    root = splitext(out.file_name)[0]
    category, rule = out.open(f"{root}-categories.txt"), out.open(f"{root}-iprep.rules")
    category.write(f"{options.number},{options.category},{options.category}\n", 0)
    body = options.rule.body(
        "ip any any -> any any", f"address in {options.category}", f"iprep:any,{options.category},>,0;"
    )
    rule.write(list_rules(options.rule, out, "iprep", {0: body}), 0)
    end = f",{options.number},{options.score}\n"
    lengths = {IPV4: f"/32{end}", IPV6: f"/128{end}", CIDR: end}
    for batch in batches:
        texts = accepted(batch, out).texts
        rest = lengths[batch.type]
        file.write("".join([f"{text}{rest}" for text in texts]), len(texts))


def check(files: Sequence[Path], options: Reputation) -> list[Finding]:
    """Return what Suricata finds wrong."""
    reputation, categories, rule = files
    loaded = {"reputation.list": reputation, "categories.txt": categories}
    return suricata_check.findings(rule, loaded, _CONFIGURATION)
