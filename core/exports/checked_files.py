"""Let the format of an export check its own files, and leave out the entries that it finds bad one by one.

A single entry that the consumer's program refuses must not keep the others from being published; whoever can send one
could stop the list for good.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.exports.formats import BadEntry, Finding, NotChecked, Tried, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import Rendered
from core.schemas.export import ExportDefinition

MOST_ATTEMPTS = 4
"""So often are files written once more without what was bad; the last time nothing may take its place."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found in the files that are to be published.

    Attributes:
        rendered: The files.
        faults: What is wrong with them as a whole, each one line.
        not_checked: What was not looked at, and why, each one line.
    """

    rendered: Rendered
    faults: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


def checked(
    rendered: Rendered, definition: ExportDefinition, memory: Memory, again: Callable[[], Rendered]
) -> Checked:
    """Return what the check of the format finds, after writing the files again without the entries that are bad.

    Args:
        rendered: The files as they were written first.
        definition: Of the export.
        memory: What the format is told of earlier; what was bad is put into it.
        again: Writes the files once more.
    """
    bad: dict[str, tuple[str, ...]] = {}
    for attempt in range(1, MOST_ATTEMPTS + 1):
        findings = _findings(rendered, definition)
        entries = [item for item in findings if isinstance(item, BadEntry)]
        if not entries:
            return _sorted_out(rendered, findings)
        for item in entries:
            bad[item.key] = (*bad.get(item.key, ()), item.reason)
        memory.tried = Tried(dict(bad), is_last=attempt == MOST_ATTEMPTS)
        rendered = again()
    return _sorted_out(rendered, _findings(rendered, definition))


def _findings(rendered: Rendered, definition: ExportDefinition) -> list[Finding]:
    form = get_format(definition.format) if definition.format else None
    check = getattr(form, "check", None)
    if form is None or check is None:
        return []
    try:
        return [*check([file.path for file in rendered.files], parse_options(form, definition.options))]
    except Exception as error:  # a format may be anybody's code
        return [f"its check could not be done: {type(error).__name__}: {error}"]


def _sorted_out(rendered: Rendered, findings: list[Finding]) -> Checked:
    not_checked = dict.fromkeys(item.reason for item in findings if isinstance(item, NotChecked))
    faults = [
        f"{item.key}: {item.reason}" if isinstance(item, BadEntry) else str(item)
        for item in findings
        if not isinstance(item, NotChecked)
    ]
    return Checked(rendered, tuple(faults), tuple(not_checked))
