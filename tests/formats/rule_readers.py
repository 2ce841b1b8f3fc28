"""Strict readers of files of YARA, Sigma and Suricata rules, and short ways to write one."""

import re

import yaml
from name_readers import put, written

from core.exports.formats import get_format, parse_options
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance, Value

ASIDE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|=\s*/(?:[^/\\\n]|\\.)+/|=\s*\{[^}]*\}', re.DOTALL)
IMPORT = re.compile(r'^import "([a-z]+)"\n', re.MULTILINE)


class YaraRules(FormatConformance):
    """Rules with names of their own, behind the imports that they need."""

    format = "rules"

    def read(self, files):
        text = files["export.yar"].decode()
        rules, imported = [], []
        while text:
            while found := IMPORT.match(text):
                imported.append(found[1])
                text = text[found.end() :]
            plain = ASIDE.sub(lambda token: " " * len(token[0]), text)
            head = re.match(r"\s*(?:private\s+)?rule\s+([A-Za-z_]\w*)\s*(?::[\w\s]*)?\{[^{}]*\}", plain)
            assert head, text
            used = set(re.findall(r"\b(pe|math|hash|elf|dotnet)\.", plain[: head.end()]))
            assert used <= set(imported), "undefined identifier"
            rules.append((head[1], text[: head.end()].strip()))
            text = text[head.end() :].lstrip("\n")
        names = [name for name, _ in rules]
        assert len(set(names)) == len(names), "duplicated identifier"
        assert len(set(imported)) == len(imported)
        return [rule for _, rule in rules]

    def entry(self, type, value):
        return IMPORT.sub("", value).strip()


class SigmaRules(FormatConformance):
    """YAML documents, each with what a rule must have."""

    format = "rules"
    options = {"kind": "sigma"}
    refuses = frozenset(GOOD["rule"])

    def read(self, files):
        text = files["export.yml"].decode()
        documents = list(yaml.safe_load_all(text))
        assert all({"title", "logsource", "detection"} <= set(document) for document in documents)
        ids = [document["id"] for document in documents if "id" in document]
        assert len(set(ids)) == len(ids)
        return [part.strip("\n") for part in re.split(r"^---\n", text, flags=re.MULTILINE) if part]

    def entry(self, type, value):
        return value.strip("\n")


class PassedRules(FormatConformance):
    """A rule a line, each sid once."""

    format = "rules"
    options = {"kind": "suricata"}
    refuses = frozenset(GOOD["rule"])

    def read(self, files):
        lines = files["export.rules"].decode().split("\n")
        assert "" == lines.pop()
        sids = [(re.findall(r"\bgid:(\d+);", line), re.findall(r"\bsid:(\d+);", line)) for line in lines]
        assert all(len(gid) < 2 and len(sid) == 1 for gid, sid in sids)
        assert len({str(one) for one in sids}) == len(sids), "duplicate signature"
        assert all(re.match(r"(alert|drop|pass|reject) [a-z]+ .* (->|<>) .* \(.*;\)$", line) for line in lines)
        return lines

    def entry(self, type, value):
        return re.sub(r"\\[ \t]*\n[ \t]*", " ", value)


def values_of(texts):
    """Return observables."""
    return [Value("rule", text) for text in texts]


def file_of(kit, texts, folder):
    """Write rules; return what became of them, and the path."""
    made = written(kit(), values_of(texts), folder / "made")
    return made, put(made.files, folder / "export.rules")


def checked_by_format(kit, path):
    """Return what the check before publishing finds."""
    form = get_format("rules")
    return form.check([path], parse_options(form, kit.options))
