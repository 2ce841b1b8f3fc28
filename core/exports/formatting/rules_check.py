"""Ask yarac and sigma which rules of a file they refuse, each by itself.

yarac says which rule it stopped at, and after a mistake of grammar no more; so it is asked again without those.  sigma
names files and not rules; so where it finds anything, it is asked again with a file for each rule.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from core.exports.formatting.checker import Said, ask, phrase
from core.exports.formatting.contract import BadEntry, Finding
from core.exports.formatting.yara_rules import Part, parts_of

MOST_RUNS = 200
"""Of yarac, for one file."""
SIGMA_MARK = "---\n"
_SIGMA_CHECKS = "validators:\n  - identifier_uniqueness\n"
"""Others of pySigma fetch lists from the network."""
_IN_RULE = re.compile(r'^error: rule "([^"]+)" in .*?\([0-9]+\): ?(.*)$', re.MULTILINE)
_IN_DOCUMENT = re.compile(r"(.+?)(?: in |:)\S*/([0-9]+)\.yml\b")


def bad_yara(rules: Path) -> list[Finding]:
    """Return each rule of a file that yarac refuses, by its name, and what else it finds wrong."""
    with TemporaryDirectory(dir=rules.parent) as name:
        folder = Path(name)
        said = _compiled(rules.absolute(), folder)
        if not said.status:
            return said.findings()
        text = rules.read_bytes().decode()
        parts = parts_of(text)
        found: dict[str, str] = {}
        for _ in range(MOST_RUNS):
            new = {name: why for name, why in reversed(_IN_RULE.findall(said.text)) if name not in found}
            if not new:
                break
            found |= new
            (folder / "less").write_bytes(_without(text, parts, {*found}).encode())
            said = _compiled(folder / "less", folder)
            if not said.status:
                break
    return [BadEntry(name, phrase("yarac", why)) for name, why in found.items()] or said.findings("error")


def bad_sigma(rules: Path) -> list[Finding]:
    """Return each rule of a file that sigma refuses, by its text in the file, and what else it finds wrong."""
    with TemporaryDirectory(dir=rules.parent) as name:
        folder = Path(name)
        (folder / "checks.yml").write_text(_SIGMA_CHECKS, "utf-8")
        said = _checked(rules.absolute(), folder)
        if not said.status:
            return said.findings()
        apart = folder / "apart"
        apart.mkdir()
        texts = rules.read_bytes().decode().removesuffix("\n").split(f"\n{SIGMA_MARK}")
        for number, text in enumerate(texts):
            (apart / f"{number}.yml").write_bytes(text.encode())
        found = dict(_in_documents(_checked(apart, folder)))
    bad = [BadEntry(texts[number], phrase("sigma", why)) for number, why in found.items()]
    return [*bad] or said.findings("rror")


def _compiled(rules: Path, folder: Path) -> Said:
    return ask("yarac", ["--no-warnings", rules, "compiled"], folder=folder)


def _checked(rules: Path, folder: Path) -> Said:
    return ask("sigma", ["check", "-c", "checks.yml", rules], folder=folder)


def _without(text: str, parts: list[Part], names: set[str]) -> str:
    """Return a text of YARA rules without those of *names*, and without those that speak of them."""
    kept, place = [], 0
    for part in parts:
        if part.name in names or not part.needs.isdisjoint(names):
            names.add(part.name)
            kept.append(text[place : part.start])
            place = part.end
    return "".join([*kept, text[place:]])


def _in_documents(said: Said) -> Iterator[tuple[int, str]]:
    for line in said.text.partition("=== Summary ===")[0].splitlines():
        if found := _IN_DOCUMENT.search(line):
            why = line.partition(f"/{found[2]}.yml:")[2].partition(" in /")[0] or found[1]
            yield int(found[2]), why
