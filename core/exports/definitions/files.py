"""Read definitions of exports from files under version control: TOML or YAML.

A file holds a list under ``export`` (``[[export]]``), a list alone, or one export; ``definition_words`` has the
words.  Everything that is wrong in any of the files is found before anything is done.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import DefinitionError, DefinitionFilesError
from core.exports.definitions import file_words
from core.exports.formats import nearest
from core.schemas.export import ExportDefinition

LARGEST_FILE_BYTES = 1 << 20
TOML = (".toml",)
YAML = (".yaml", ".yml")
TEMPLATE_FILE = "template-file"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export as a file describes it.

    Attributes:
        definition: What it is to be; ``file_name`` is empty where the file says none.
        origin: The file, for messages.
    """

    definition: ExportDefinition
    origin: str

    def problem(self, reason: object) -> str:
        """Return a line that says what is wrong with it, and where."""
        return f"{self.origin}: export {self.definition.name!r}: {reason}"


@dataclass(frozen=True, slots=True)
class Definitions:
    """What files describe: exports, each name once, and the templates that belong to them, name and text."""

    exports: tuple[Wanted, ...]
    templates: Mapping[str, str]


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    exports: dict[str, Wanted] = field(default_factory=dict)
    templates: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(paths: Sequence[Path]) -> Definitions:
    """Return the exports that files describe.

    Args:
        paths: Files, and folders whose files ending in ``.toml``, ``.yaml`` or ``.yml`` are read, those of their
            folders too; what begins with a dot is passed over.

    Raises:
        DefinitionFilesError: Something is wrong; ``problems`` has it all, each with its file.
    """
    found = _Found()
    for path in _files(paths, found.problems):
        try:
            entries = list(_entries(_document(path)))
        except DefinitionError as error:
            found.problems.append(f"{path}: {error}")
            continue
        for entry in entries:
            _take(path, entry, found)
    if found.problems:
        raise DefinitionFilesError(found.problems)
    return Definitions(
        tuple(found.exports.values()), {name: text for name, (text, _) in sorted(found.templates.items())}
    )


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[Path]:
    seen: set[str] = set()
    for path in paths:
        several = _files_of(path) if path.is_dir() else [path]
        if not several:
            problems.append(f"{path}: no file in it ends in .toml, .yaml or .yml")
        for file in several:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _files_of(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place) / name
            for name in sorted(files)
            if not name.startswith(".") and name.lower().endswith(TOML + YAML)
        ]
    return found


def _document(path: Path) -> object:
    suffix = path.suffix.lower()
    if suffix not in TOML + YAML:
        raise DefinitionError("definitions are read from .toml, .yaml and .yml")
    text = _text_of(path)
    try:
        if suffix in TOML:
            return tomllib.loads(text)
        from core.exports.definitions import yaml_files

        return yaml_files.load(text)
    except RecursionError:
        raise DefinitionError("lists within lists without end") from None
    except DefinitionError:
        raise
    except ValueError as error:  # tomllib's own, and Python's for a number of too many digits
        raise DefinitionError(str(error).partition(";")[0]) from None


def _text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise DefinitionError("is not a regular file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise DefinitionError(error.strerror or "cannot be read") from None
    if len(data) > LARGEST_FILE_BYTES:
        raise DefinitionError("is larger than 1 MiB")
    try:
        # As a file opened for text: TOML knows no carriage return alone, and files are written on Windows, too.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DefinitionError(f"line {line}: not UTF-8 text") from None


def _entries(document: object) -> Iterator[Mapping[str, object]]:
    """Yield the mapping of each export of a document."""
    if isinstance(document, dict) and "name" not in document and "export" in document:
        if others := [str(key) for key in document if key != "export"]:
            raise DefinitionError(f"unknown key {others[0]!r} beside the exports{nearest(others[0], ['export'])}")
        document = document["export"]
    several = document if isinstance(document, list) else [document]
    if not document:
        raise DefinitionError("there is no export in it")
    for entry in several:
        if not isinstance(entry, dict):
            raise DefinitionError('an export is written as keys with values: [[export]], then a line name = "…"')
        if len(several) == 1 and entry.keys().isdisjoint(file_words.WORDS):
            keys = ", ".join(repr(str(key)) for key in list(entry)[:3])
            raise DefinitionError(f"there is no export in it, only {keys}; [[export]] begins one")
        yield entry


def _take(path: Path, entry: Mapping[str, object], found: _Found) -> None:
    """Add one export to *found*, or what is wrong with it."""
    name = entry.get("name")
    called = f"export {name!r}" if isinstance(name, str) else "an export"
    try:
        given = dict(entry)
        template = _template(path, given, found) if TEMPLATE_FILE in given else None
        wanted = Wanted(file_words.read(given), str(path))
        file_words.refuse_secret(wanted.definition)
        if template is not None:
            wanted = replace(wanted, definition=replace(wanted.definition, template=template))
    except DefinitionError as error:
        found.problems.append(f"{path}: {called}: {error}")
        return
    there = found.exports.setdefault(wanted.definition.name, wanted)
    if there is not wanted:
        found.problems.append(
            wanted.problem(f"is also in {there.origin}" if there.origin != str(path) else "twice")
        )


def _template(path: Path, given: dict[str, Any], found: _Found) -> str:
    """Take the file of a template out of what an export says, keep its text, and return the template's name.

    Only what lies beside the definitions is read: who may suggest a definition could have any file published.
    """
    said = given.pop(TEMPLATE_FILE)
    if not isinstance(said, str) or not said or not said.isprintable():
        raise DefinitionError(f"{TEMPLATE_FILE}: the name of a file is needed")
    folder = Path(os.path.realpath(path.parent))
    file = Path(os.path.realpath(folder / said))
    if not file.is_relative_to(folder):
        raise DefinitionError(f"{TEMPLATE_FILE}: {said} is not in the folder of this file, nor below it")
    try:
        text = _text_of(file)
    except DefinitionError as error:
        raise DefinitionError(f"{TEMPLATE_FILE}: {said}: {error}") from None
    name = given.get("template", Path(said).stem)
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name:
        raise DefinitionError(f"template: {name!a} is no name for a template")
    there, origin = found.templates.setdefault(name, (text, f"{path}: {said}"))
    if there != text:
        raise DefinitionError(f"the template {name!r} is something else in {origin}")
    return name
