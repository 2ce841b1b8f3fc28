"""Read JSON piece by piece: flat memory, and what stands before a defect is not lost.

Only the wanted parts of a document are ever built.  Nesting is cut at ``MAX_DEPTH``, so that a hostile file costs
neither memory nor the interpreter's stack; what lies deeper is left out.  A part beyond ``MAX_PARTS`` is yielded as
a text that says so, which every importer refuses where it stands.
"""

import json
import re
from collections.abc import Container, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, TextIO

import ijson

from core.errors import UnreadableFile
from core.ingest.reader import InputFile
from core.schemas.claim import Refusal

MAX_DEPTH = 32
MAX_PARTS = 3_000_000
"""Values of which one wanted part may consist; more of them would be memory without bound."""
MAX_LINE_CHARACTERS = 64 << 20
CHUNK_CHARACTERS = 1 << 16
_LONGEST_CARRY = 1 << 20
_OUTLINE_EVENTS = 3000
_ENDS = frozenset(("end_map", "end_array"))
_NOWHERE = ("\0", False)

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\."
)
_FAILURES = (ijson.JSONError, ValueError, ArithmeticError)
# A whole number beyond the interpreter's limit of 4,300 digits crashes the C parser's process.
_has_endless_number = re.compile(r"(?:\A|[\s\[,:-])[0-9]{1000}").search
Event = tuple[str, Any]


def pieces(file: InputFile, wanted: Container[str], marks: Container[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the parts of the document whose place is *wanted*, in the order of the file.

    A place is written as keys with dots, ``item`` for the elements of an array: ``response.item.Event.info``.

    Args:
        file: One JSON document, or several one behind the other.
        wanted: Places of what is yielded, each as ``(place, value)``.
        marks: Places of containers of which only the beginning is told, as ``(place, None)``.

    Raises:
        UnreadableFile: The JSON is broken; everything before the defect has been yielded.
    """
    return _build(_events(_utf8_chunks(file)), wanted, marks)


def objects(file: InputFile, places: Container[str]) -> Iterator[tuple[int, Any] | Refusal]:
    """Yield ``(line, value)`` of every value at *places*, or of every line where each line is a document.

    A broken line costs that line; a broken document costs the rest of it, and ``file.is_damaged`` is set.

    Raises:
        UnreadableFile: Nothing of the file is JSON.
    """
    if is_linewise(file):
        yield from _lines(file)
        return
    count = 0
    try:
        for _, value in pieces(file, places):
            count += 1
            yield 0, value
    except UnreadableFile as error:
        if not count:
            raise
        file.is_damaged = True
        yield Refusal(0, f"{error}; what stands before it was read")


def is_linewise(file: InputFile) -> bool:
    """Tell whether *file* holds one JSON document in each line."""
    lines = [line for line in file.text_head.split("\n", 50) if line.strip()]
    return (
        len(lines) > 1
        and lines[0].lstrip().startswith("{")
        and lines[0].rstrip().endswith("}")
        and lines[1].lstrip().startswith("{")
    )


def outline(file: InputFile) -> dict[str, Any]:
    """Return what stands where in the head of *file*: place -> first scalar there, ``"{"`` or ``"["``.

    Empty if it does not begin as a JSON object or array.
    """
    return _outline(file.text_head)


@lru_cache(maxsize=16)
def _outline(head: str) -> dict[str, Any]:
    if not head.lstrip().startswith(("{", "[")):
        return {}
    found: dict[str, Any] = {}
    try:
        events = _events(iter([_mended(head)]))
        for place, _, event, value in islice(_placed(events), _OUTLINE_EVENTS):
            if event not in _ENDS:
                found.setdefault(place, {"start_map": "{", "start_array": "["}.get(event, value))
    except UnreadableFile:
        pass  # the head ends in the middle of the document, as it should
    return found


def _placed(events: Iterator[Event]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield (place, key, event, value) of everything but the keys; an end has no place."""
    stack: list[tuple[str, bool]] = []  # what the places of the children begin with; whether keys follow
    key = ""
    for event, value in events:
        if event == "map_key":
            key = value
        elif event in _ENDS:
            stack.pop()
            yield "", "", event, None
        else:
            base, is_map = stack[-1] if stack else ("", False)
            place = base + key if is_map else base
            yield place, key, event, value
            if event == "start_map":
                stack.append((place + "." if place else "", True) if len(stack) < MAX_DEPTH else _NOWHERE)
            elif event == "start_array":
                stack.append((place + ".item" if place else "item", False) if len(stack) < MAX_DEPTH else _NOWHERE)


def _build(events: Iterator[Event], wanted: Container[str], marks: Container[str]) -> Iterator[tuple[str, Any]]:
    growing: list[Any] = []  # the containers being built, outermost first
    at = ""
    too_deep = parts = 0
    for place, key, event, value in _placed(events):
        if event in _ENDS:
            if too_deep:
                too_deep -= 1
            elif growing and (done := growing.pop()) is not None and not growing:
                yield at, done if parts <= MAX_PARTS else f"an entry of more than {MAX_PARTS:,} values"
            continue
        is_container = event in ("start_map", "start_array")
        if growing:
            parts += 1
            if too_deep or parts > MAX_PARTS or (is_container and len(growing) >= MAX_DEPTH):
                too_deep += is_container
                continue
        elif place not in wanted:
            if place in marks:
                yield place, None
            continue
        item = _new(event, value)
        parts = parts if growing else 0
        if growing:
            if type(growing[-1]) is dict:
                growing[-1][key] = item
            else:
                growing[-1].append(item)
        if is_container:
            at = at if growing else place
            growing.append(item)
        elif not growing:
            yield place, item


def _new(event: str, value: Any) -> Any:
    if event == "string":
        return value
    if event == "start_map":
        return {}
    if event == "start_array":
        return []
    return _number(value) if event == "number" else value


def _utf8_chunks(file: InputFile) -> Iterator[bytes]:
    """Yield the file as UTF-8, cut behind quotation marks so that no escape is torn."""
    with file.open_text() as text:
        rest = ""
        while part := text.read(CHUNK_CHARACTERS):
            part = rest + part
            cut = part.rfind('"') + 1
            if not cut and len(part) > _LONGEST_CARRY:
                cut = len(part)
            rest = part[cut:]
            if cut:  # nothing at all would mean the end to the parser
                yield _mended(part[:cut])
        if rest:
            yield _mended(rest)


def _mended(text: str) -> bytes:
    """Return what the C parser may be given: without numbers and escapes that it gets wrong.

    It turns some escapes of lone surrogates into ``?``, unseen; they become U+FFFD.
    """
    if _has_endless_number(text):
        raise UnreadableFile("a number of more than 1,000 digits")
    if _SURROGATE.search(text):
        text = _ESCAPES.sub(lambda found: "\\ufffd" if len(found[0]) == 6 else found[0], text)
    return text.encode("utf-8", "replace")


def _events(chunks: Iterator[bytes]) -> Iterator[Event]:
    found: Any = ijson.sendable_list()
    parser = ijson.basic_parse_coro(found, multiple_values=True)
    try:
        for chunk in chunks:
            parser.send(chunk)
            yield from found
            found.clear()
        parser.close()
    except _FAILURES as error:
        yield from found
        raise UnreadableFile(_reason(error)) from error


def _reason(error: Exception) -> str:
    text = str(error).split("\n", 1)[0].strip().rstrip(".")
    if "premature EOF" in text or "Incomplete" in text:
        return "the JSON breaks off in the middle: the file is cut short"
    return f"no JSON from some point on ({text.removeprefix('lexical error: ').removeprefix('parse error: ')})"


def _number(value: Any) -> Any:
    """Return a number that JSON writers take, or its spelling."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if number - number == 0 else str(value)
    return value if -(2**63) <= value < 2**63 else str(value)


def _pass_over(text: TextIO) -> None:
    """Read on to the end of the line."""
    while (more := text.readline(MAX_LINE_CHARACTERS)) and not more.endswith("\n"):
        pass


def _lines(file: InputFile) -> Iterator[tuple[int, Any] | Refusal]:
    count = 0
    first: Refusal | None = None
    with file.open_text() as text:
        for number, line in enumerate(iter(lambda: text.readline(MAX_LINE_CHARACTERS), ""), 1):
            if not line.strip():
                continue
            if len(line) == MAX_LINE_CHARACTERS:
                file.is_damaged = True
                yield Refusal(number, f"a line of more than {MAX_LINE_CHARACTERS:,} characters")
                _pass_over(text)
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = "nested too deeply" if isinstance(error, RecursionError) else "not JSON"
                refusal = Refusal(number, reason, "".join(c if c.isprintable() else " " for c in line[:80]))
                file.is_damaged = True
                first = first or refusal
                yield refusal
                continue
            count += 1
            yield number, value
    if first is not None and not count:
        raise UnreadableFile(f"line {first.line} is not JSON, and no other line is")
