"""Read a file as an allow-list, whatever form its values have: one a line, a table, hosts files, MISP's own form."""

from collections.abc import Callable
from pathlib import Path

from core.errors import UnreadableFile
from core.ingest.reader import InputFile, Options
from core.ingest.registry import READERS, Reader, recognise
from core.ingest.run import guarded
from core.schemas.claim import AllowListEntries, Claim, Refusal

VALUES = "values"
"""The list type of which every entry is what it looks like."""


def read_allow_list(path: Path, name: str, on_refusal: Callable[[Refusal], None]) -> AllowListEntries:
    """Return the values in a file as a list.

    Args:
        path: Where they are.
        name: Of the list, whatever the file calls itself.
        on_refusal: Called with each line that is no value.

    Raises:
        UnreadableFile: It cannot be read whole, or there is no value in it: half an allow-list lets through what it
            should keep.
    """
    try:
        return _read(InputFile(path), name, on_refusal)
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _read(file: InputFile, name: str, on_refusal: Callable[[Refusal], None]) -> AllowListEntries:
    entries: dict[str, None] = {}
    for item in guarded(_reader(file), file, Options(source=name)):
        if isinstance(item, AllowListEntries):
            return item
        if isinstance(item, Claim):
            entries[item.value] = None
        elif isinstance(item, Refusal):
            on_refusal(item)
    if file.is_damaged:
        raise UnreadableFile("could not be read to its end")
    if not entries:
        raise UnreadableFile("there is no value in it")
    return AllowListEntries(name=name, list_type=VALUES, entries=tuple(entries))


def _reader(file: InputFile) -> Reader:
    ours = READERS["warninglist"]
    if ours.recognises(file) or file.text_head.lstrip().startswith("["):
        return ours
    return recognise(file)
