"""JSON lines: one observable a line.

Our own export ``jsonl`` comes back as it was: type, value, assertions with their dates, context.  Other lines are
read like the rows of a table, keys for columns: ``{"indicator": "192.0.2.1", "type": "ip", "tags": ["c2"]}``.
An array of such objects is read too.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from core.errors import RefusedValue, UnreadableFile
from core.ingest import table_columns
from core.ingest.json_stream import objects
from core.ingest.lines import excerpt, lines
from core.ingest.reader import InputFile, Item, Options
from core.ingest.table_cells import tlp
from core.ingest.table_rows import RowReader
from core.schemas.claim import Claim, Kind, Refusal
from core.values.canonical import classify
from core.values.characters import cleaned, one_line
from core.values.dates import instant

NAME = "jsonl"
MEANING = "JSON lines: our own lossless export, or objects with value, type, tags"

_KINDS = {kind.name.lower(): kind for kind in Kind}
_DATES = ("first_seen", "last_seen", "valid_from", "valid_until")
MAX_SHAPES = 1000
"""Different sets of keys of which the reading is kept ready."""


def recognises(file: InputFile) -> int:
    """Return 70 for our own export, 40 for objects with a value under a name that feeds use."""
    head = file.text_head.lstrip("\ufeff \t\r\n")
    first = _first_object(head)
    if first is None or "spec_version" in first or "--" in str(first.get("id", "")):
        return 0
    if _is_own(first):
        return 70
    return 40 if table_columns.by_name(list(first)).values else 0


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield the claims of every line, or of every object of an array."""
    reader = _ObjectReader(file.name, options)
    is_array = file.text_head.lstrip("\ufeff \t\r\n").startswith("[")
    for entry in objects(file, ("item",)) if is_array else _decoded(file):
        if isinstance(entry, Refusal):
            yield entry
        elif isinstance(entry[1], dict):
            yield from reader.items(entry[1], entry[0])
        else:
            yield Refusal(entry[0], "no JSON object", excerpt(str(entry[1])))


def _decoded(file: InputFile) -> Iterator[tuple[int, Any] | Refusal]:
    decode = msgspec.json.Decoder().decode
    count = 0
    for number, text in lines(file):
        if text is None:
            yield Refusal(number, "a line of more than a million characters")
            continue
        if not text or text.isspace():
            continue
        try:
            yield number, decode(text)
            count += 1
        except RecursionError:
            yield Refusal(number, "nested too deeply", excerpt(text))
        except (msgspec.MsgspecError, UnicodeError) as error:
            try:
                yield number, _leniently(text)
                count += 1
            except (ValueError, RecursionError):
                # It may be where the file was cut.
                file.is_damaged = True
                yield Refusal(number, f"no JSON: {str(error).replace('JSON is malformed: ', '')}", excerpt(text))
    if not count:
        raise UnreadableFile("no line of it is JSON")


def _leniently(text: str) -> Any:
    """Return the JSON *text* whose writer let NaN, half surrogates or bare control characters slip in."""
    return json.loads(text, strict=False, parse_constant=lambda word: None)


def _first_object(head: str) -> dict[str, Any] | None:
    if head.startswith("["):
        return _cut_object(head[1:].lstrip())
    try:
        found = _leniently(head.split("\n", 1)[0])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cut_object(text: str) -> dict[str, Any] | None:
    """Return the object that *text* begins with."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_own(found: dict[str, Any]) -> bool:
    return "type" in found and "value" in found and isinstance(found.get("assertions"), list)


class _ObjectReader:
    def __init__(self, source: str, options: Options) -> None:
        self._source = source
        self._options = options
        self._readers: dict[tuple[str, ...], tuple[RowReader, table_columns.Columns]] = {}

    def items(self, found: dict[str, Any], line: int) -> list[Claim | Refusal]:
        """Return what one object gives."""
        if _is_own(found):
            return self._own(found, line)
        names = tuple(found)
        known_reader = self._readers.get(names)
        if known_reader is None:
            known = table_columns.by_name(list(names))
            if self._options.columns:
                known = table_columns.mapped(known, list(names), self._options.columns)
            known_reader = RowReader(known, self._options, self._source, list(names)), known
            if len(self._readers) < MAX_SHAPES:
                self._readers[names] = known_reader
        reader, known = known_reader
        return reader.items([_cell(value, at in known.values) for at, value in enumerate(found.values())], line)

    def _own(self, found: dict[str, Any], line: int) -> list[Claim | Refusal]:
        try:
            kind, value = classify(str(found["type"]), str(found["value"]))
        except RefusedValue as error:
            return [Refusal(line, str(error), excerpt(str(found["value"])))]
        refusals: list[Claim | Refusal] = []
        stated = [item for item in found["assertions"] if isinstance(item, dict)] or [{}]
        claims = [self._claim(kind, value, item, line, refusals) for item in stated]
        items: list[Claim | Refusal] = list(_with_context(claims, found.get("context")))
        # It has to be known before it can be taken back.
        items += [
            msgspec.structs.replace(claim, withdrawn=True, context=None)
            for claim, item in zip(claims, stated, strict=True)
            if item.get("withdrawn_at")
        ]
        items[1:1] = refusals
        return items

    def _claim(
        self, kind: str, value: str, stated: dict[str, Any], line: int, refusals: list[Claim | Refusal]
    ) -> Claim:
        def read(name: str, reader: Any) -> Any:
            given = stated.get(name)
            if given is None or given == "":
                return None
            try:
                return reader(str(given))
            except RefusedValue as error:
                refusals.append(Refusal(line, f"{name}: {error}", excerpt(str(given))))
                return None

        tag = stated.get("tag")
        sureness = stated.get("confidence")
        is_sure = isinstance(sureness, int) and not isinstance(sureness, bool) and 0 <= sureness <= 100
        own_kind = _KINDS.get(str(stated.get("kind", "")), Kind.MALICIOUS)
        return Claim(
            type=kind,
            value=value,
            source=self._options.source or one_line(str(stated.get("source") or "")) or self._source,
            tags=self._options.tagged([one_line(tag)] if isinstance(tag, str) else []),
            kind=own_kind if self._options.kind is None else self._options.kind,
            **{name: read(name, instant) for name in _DATES},
            confidence=sureness if is_sure else None,
            tlp=read("tlp", tlp),
            line=line,
        )


def _with_context(claims: list[Claim], given: Any) -> Iterator[Claim]:
    """Yield *claims* with the facts of their sources, a claim more for every further fact."""
    facts: dict[str, list[dict[str, Any]]] = {}
    own = {claim.source for claim in claims}
    for fact in given if isinstance(given, list) else []:
        if not isinstance(fact, dict):
            continue
        source = str(fact.get("source", ""))
        rest = {cleaned(key): _fact(item) for key, item in fact.items() if key != "source"}
        if source not in own:
            source, rest = claims[0].source, {**rest, "listed_source": source}
        facts.setdefault(source, []).append(rest)
    for claim in claims:
        known = facts.pop(claim.source, [None])
        for fact in known:
            yield msgspec.structs.replace(claim, context=fact or None)


def _fact(item: Any) -> Any:
    if isinstance(item, str):
        return cleaned(item)
    if isinstance(item, list):
        return [_fact(one) for one in item]
    if isinstance(item, dict):
        return {cleaned(key): _fact(one) for key, one in item.items()}
    return item


def _cell(value: Any, is_value: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        texts = [str(item) for item in value]
        return " ".join(texts) if is_value or len(texts) == 1 else msgspec.json.encode(texts).decode()
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
