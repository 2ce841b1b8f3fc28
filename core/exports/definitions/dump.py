"""Write what the store has as files that ``apply`` reads: the way from the command line to version control."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.errors import AlreadyExists, DefinitionError
from core.exports.definitions import file_words, toml_files
from core.exports.definitions.definition import default_file_name
from core.exports.definitions.files import TEMPLATE_FILE
from core.schemas.export import ExportDefinition

EXPORTS_FILE = "exports.toml"


def dumped(exports: Sequence[ExportDefinition], template_files: Mapping[str, str] | None = None) -> str:
    """Return exports as TOML.

    Args:
        exports: What to write.
        template_files: Name of a template and of the file beside that holds it.

    Raises:
        DefinitionError: A destination holds a secret.
    """
    return toml_files.document(_words(item, template_files or {}) for item in exports)


def write_to(folder: Path, exports: Sequence[ExportDefinition], templates: Mapping[str, str]) -> Iterator[Path]:
    """Write exports and the templates that they use, and yield each file that was written.

    Raises:
        AlreadyExists: One of the files is there already; nothing was written.
        DefinitionError: A destination holds a secret; nothing was written.
    """
    files = _template_files(sorted({item.template for item in exports if item.template}))
    contents = {folder / file: templates[name] for name, file in files.items()}
    contents[folder / EXPORTS_FILE] = dumped(exports, files)
    if there := next((path for path in contents if path.exists()), None):
        raise AlreadyExists(f"{there} is there already; name an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in contents.items():
        with path.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        yield path


def _words(item: ExportDefinition, template_files: Mapping[str, str]) -> dict[str, object]:
    try:
        found = file_words.write(item)
    except DefinitionError as error:
        raise DefinitionError(f"export {item.name!r}: {error}") from None
    if item.template in template_files:
        found[TEMPLATE_FILE] = template_files[item.template]
    if item.file_name == _default(item):
        found.pop("file-name", None)
    return found


def _default(item: ExportDefinition) -> str:
    try:
        return default_file_name(item.name, item.format, item.options)
    except DefinitionError:  # its format is gone, or no name can be made of its letters
        return ""


def _template_files(names: Sequence[str]) -> dict[str, str]:
    """Return a file name for each template, no two of which a file system could take for one."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:100]
        file = f"{plain}.jinja2"
        number = 2
        while file.casefold() in {taken.casefold() for taken in found.values()}:
            file = f"{plain}-{number}.jinja2"
            number += 1
        found[name] = file
    return found
