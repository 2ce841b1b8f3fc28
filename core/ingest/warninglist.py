"""MISP warninglists: what must not be blocked.  They become allow-lists, never observables.

Read are ``list.json`` of the MISP project's form, and a plain JSON array of texts.  The second is only read as an
allow-list if the user says so (``--format warninglist``): by itself it is a list of values (``text``), if it holds
values.
"""

import io
from collections.abc import Iterator
from typing import Any

import msgspec

from core.errors import UnreadableFile
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.schemas.claim import AllowListEntries, Refusal
from core.values import types
from core.values.characters import cleaned
from core.values.detect import detect

NAME = "warninglist"
MEANING = "a MISP warninglist (list.json), or a JSON array of texts; becomes an allow-list"

LIST_TYPES = ("cidr", "hostname", "string", "substring", "regex")
_MARKS = ('"matching_attributes"', '"list"', '"name"', '"type"', '"version"', '"description"')
MAX_BYTES = 256 << 20
TAIL_BYTES = 4096


def recognises(file: InputFile) -> int:
    """Return 90 for the form of the MISP project; a bare array is for the user to name."""
    if not file.text_head.lstrip().startswith("{") or file.size_bytes > MAX_BYTES:
        return 0
    if file.size_bytes <= len(file.head):
        try:
            whole = msgspec.json.decode(file.text_head)
        except (msgspec.MsgspecError, RecursionError):
            return 0
        is_one = (
            isinstance(whole, dict) and isinstance(whole.get("list"), list) and whole.get("type") in LIST_TYPES
        )
        return 90 if is_one else 0
    # What a long list is may be said behind its entries.
    ends = file.text_head + _tail(file)
    is_typed = any(f'"type": "{kind}"' in ends or f'"type":"{kind}"' in ends for kind in LIST_TYPES)
    return 85 if is_typed and sum(mark in ends for mark in _MARKS) >= 4 else 0


def _tail(file: InputFile) -> str:
    with file.open_binary() as stream:
        stream.seek(-TAIL_BYTES, io.SEEK_END)
        return stream.read().decode("utf-8", "replace")


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield one allow-list; what is no text in it is refused.

    Raises:
        UnreadableFile: It is no JSON, or no list; an allow-list in part would be one that lets through.
    """
    whole = _whole(file)
    if isinstance(whole, list):
        entries, refusals = _entries(whole)
        yield from refusals
        if not entries:
            raise UnreadableFile("no text is in the list")
        yield AllowListEntries(name=options.source or file.path.stem, list_type=_type_of(entries), entries=entries)
        return
    if not isinstance(whole, dict) or not isinstance(whole.get("list"), list):
        raise UnreadableFile("is no warninglist: there is no list in it")
    kind = str(whole.get("type", "string")).lower()
    if kind not in LIST_TYPES:
        raise UnreadableFile(f"a warninglist of type {excerpt(kind)!r}; known: {', '.join(LIST_TYPES)}")
    entries, refusals = _entries(whole["list"])
    yield from refusals
    matching = whole.get("matching_attributes")
    yield AllowListEntries(
        name=options.source or _text(whole.get("name")) or file.path.parent.name or file.path.stem,
        list_type=kind,
        version=_text(whole.get("version")),
        description=_text(whole.get("description")),
        matching_attributes=tuple(filter(None, map(_text, matching))) if isinstance(matching, list) else (),
        entries=entries,
    )


def _whole(file: InputFile) -> Any:
    if file.size_bytes > MAX_BYTES:
        raise UnreadableFile(f"a list of more than {MAX_BYTES >> 20} MiB")
    with file.open_text() as stream:
        text = stream.read()
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(f"is no JSON: {error}") from error
    except RecursionError as error:
        raise UnreadableFile("nested too deeply") from error


def _entries(items: list[Any]) -> tuple[tuple[str, ...], list[Refusal]]:
    entries: dict[str, None] = {}
    refusals: list[Refusal] = []
    for item in items:
        text = _text(item)
        if text:
            entries[text] = None
        else:
            refusals.append(Refusal(0, "an entry that is no text", excerpt(str(item))))
    return tuple(entries), refusals


def _text(item: Any) -> str:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        return ""
    return cleaned(str(item))


def _type_of(entries: tuple[str, ...]) -> str:
    """Return the list type that fits every entry of a plain array."""
    kinds = {(detect(entry.lstrip(".")) or ("", ""))[0] for entry in entries}
    if kinds <= {types.IPV4, types.IPV6, types.CIDR}:
        return "cidr"
    return "hostname" if kinds == {types.HOSTNAME} else "values"
