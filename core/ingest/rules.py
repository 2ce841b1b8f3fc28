"""Read detection rules, each whole, as observables of type ``rule``: YARA, Sigma, Suricata and Snort.

The text is kept as it stands, with LF line ends; nothing is compiled.  What a YARA rule imports is put before it,
so that each can be used alone.  A Sigma file is split where YAML documents are (``---``).  A Suricata or Snort
rule is a line, or several that end in a backslash; one that is commented out is switched off, and passed over.
The language is a tag, so that an export can take one language, and is in the context with the rule's name;
tags of a rule's own are tags too.  Decision 0027 has the reasons.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.errors import RefusedValue, UnreadableFile
from core.ingest import typed
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.schemas.claim import Claim, Kind, Refusal
from core.values import types

NAME = "rules"
MEANING = "YARA, Sigma, Suricata or Snort rules"
MAX_BYTES = 64 << 20

_ACTIONS = (
    "alert|drop|pass|log|reject|rejectsrc|rejectdst|rejectboth|sdrop|block|react|activate|dynamic|rewrite|file_id"
)
_network_rule = re.compile(rf"(?:{_ACTIONS})\s+[a-z0-9-]+\s*(?:\S.*?)?\((.*)\)\s*(?:#.*)?", re.DOTALL).fullmatch
_network_line = re.compile(
    rf"^[ \t]*(?:{_ACTIONS})[ \t]+[a-z0-9-]+[ \t]+\S[^\n]*\([^\n]*(?:sid|msg)[ \t]*:", re.MULTILINE
).search
_CONTINUED = re.compile(r"\\[ \t]*\r?\n[ \t]*")
_msg = re.compile(r'\bmsg\s*:\s*"((?:[^"\\]|\\.)*)"').search
_sid = re.compile(r"\bsid\s*:\s*([0-9]+)").search
_yara_head = re.compile(
    r"^[ \t]*(?:(?:private|global)\s+)*rule\s+([A-Za-z_]\w*)\s*(?::([\w\s]*))?\{", re.MULTILINE
)
_yara_import = re.compile(r'^[ \t]*import\s+"([a-z0-9_]+)"', re.MULTILINE)
_YARA_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|[{}]|(?:=|matches|\()\s*/(?![/*])(?:[^/\\\n]|\\.)+/', re.DOTALL
)
_sigma_key = re.compile(
    r"^(title|id|status|level|logsource|detection|tags|action)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE
)
_document_end = re.compile(r"^---[ \t]*(?:#.*)?$", re.MULTILINE)
_list_item = re.compile(r"[ \t]*-[ \t]+(.+?)[ \t]*").fullmatch

_Rule = tuple[int, str, dict[str, Any], list[str]]


def recognises(file: InputFile) -> int:
    """Return how sure it is that *file* is one of ours."""
    return 90 if _language(file) else 0


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield a claim for every rule.

    Raises:
        UnreadableFile: No rule is in it, or it is beyond any file of rules.
    """
    language = _language(file)
    if not language:
        raise UnreadableFile("no YARA, Sigma, Suricata or Snort rule in it")
    if file.size_bytes > MAX_BYTES:
        raise UnreadableFile(f"larger than {MAX_BYTES >> 20} MiB, which no file of rules is")
    with file.open_text() as stream:
        text = stream.read().replace("\r\n", "\n").replace("\r", "\n")
    for found in _SPLITTERS[language](text):
        if isinstance(found, Refusal):
            file.is_damaged = True
            yield found
            continue
        line, rule, facts, tags = found
        try:
            type_, value = typed.typed(types.RULE, rule)
        except RefusedValue as error:
            yield Refusal(line, f"{language} rule: {error}", excerpt(rule))
            continue
        yield Claim(
            type=type_,
            value=value,
            source=options.source or file.name,
            tags=options.tagged([language, *typed.clean_tags(tags)]),
            kind=Kind.MALICIOUS if options.kind is None else options.kind,
            context=typed.context({"language": language} | facts),
            line=line,
        )


def _language(file: InputFile) -> str:
    head = file.text_head
    if head.lstrip()[:1] in ("{", "[", "<"):
        return ""
    if _yara_head.search(head) and (file.path.suffix in (".yar", ".yara") or "condition" in head):
        return "yara"
    keys = {found[1] for found in _sigma_key.finditer(head)}
    if {"logsource", "detection"} <= keys or (file.path.suffix in (".yml", ".yaml") and "detection" in keys):
        return "sigma"
    return "suricata" if _network_line(_CONTINUED.sub(" ", head)) else ""


# --- YARA -------------------------------------------------------------------------------------------------


def _yara(text: str) -> Iterator[_Rule | Refusal]:
    plain = _YARA_TOKEN.sub(_blanked, text)
    imports = list(dict.fromkeys(_yara_import.findall(text)))
    end = line = 0
    for head in _yara_head.finditer(plain):
        if head.start() < end:
            continue
        line += text.count("\n", end, head.start()) + (not end)
        end, depth = head.end(), 1
        for brace in re.finditer(r"[{}]", plain[head.end() :]):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                end = head.end() + brace.end()
                break
        first = line
        line += text.count("\n", head.start(), end)
        if depth:
            yield Refusal(first, f"YARA rule {head[1]} has no end", excerpt(text[head.start() :]))
            return
        rule = text[head.start() : end]
        used = [name for name in imports if re.search(rf"\b{name}\s*\.", plain[head.start() : end])]
        before = "".join(f'import "{name}"\n' for name in used)
        yield first, before + rule, {"name": head[1]}, (head[2] or "").split()


def _blanked(token: re.Match[str]) -> str:
    """Return blanks in place of a comment, string or regular expression, so that its braces do not count."""
    return token[0] if token[0] in "{}" else re.sub(r"[^\n]", " ", token[0])


# --- Sigma ------------------------------------------------------------------------------------------------


def _sigma(text: str) -> Iterator[_Rule | Refusal]:
    # A collection (``action: global``) shares keys between its documents: apart they would say less.
    is_collection = any(found[1] == "action" for found in _sigma_key.finditer(text))
    starts = [0] if is_collection else [0, *(found.end() for found in _document_end.finditer(text))]
    ends = (
        [len(text)] if is_collection else [*(found.start() for found in _document_end.finditer(text)), len(text)]
    )
    line = 1
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        line += text.count("\n", ends[number - 1], start) if number else 0
        document = text[start:end]
        keys = {found[1]: _unquoted(found[2]) for found in _sigma_key.finditer(document)}
        lead = len(document) - len(document.lstrip())
        first = line + document.count("\n", 0, lead)
        line += document.count("\n")
        if "detection" in keys:
            facts = {"name": keys.get("title", ""), "level": keys.get("level", ""), "id": keys.get("id", "")}
            yield first, document, facts, _sigma_tags(document)
        elif keys:
            yield Refusal(first, "Sigma: a document without detection", excerpt(document))


def _sigma_tags(document: str) -> list[str]:
    found: list[str] = []
    is_inside = False
    for line in document.split("\n"):
        if line.startswith("tags:"):
            is_inside = True
            inline = line.removeprefix("tags:").strip()
            if inline.startswith("["):
                return [_unquoted(tag.strip()) for tag in inline.strip("[]").split(",")]
        elif is_inside and (item := _list_item(line.partition(" #")[0])):
            found.append(_unquoted(item[1]))
        elif is_inside and line.strip() and not line.lstrip().startswith("#"):
            break
    return found


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


# --- Suricata and Snort -----------------------------------------------------------------------------------


def _network(text: str) -> Iterator[_Rule | Refusal]:
    kept: list[str] = []
    first = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if not kept:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            first = number
        kept.append(line)
        if line.rstrip().endswith("\\"):
            continue
        rule = "\n".join(kept).strip()
        kept = []
        found = _network_rule(_CONTINUED.sub(" ", rule))
        if found is None:
            yield Refusal(first, "not a Suricata or Snort rule", excerpt(rule))
            continue
        message, sid = _msg(found[1]), _sid(found[1])
        facts = {"name": message[1] if message else "", "sid": sid[1] if sid else ""}
        yield first, rule, facts, []


_SPLITTERS = {"yara": _yara, "sigma": _sigma, "suricata": _network}
