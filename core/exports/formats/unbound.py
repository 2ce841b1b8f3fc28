"""Local zones of Unbound: ``local-zone: "bad.example." always_nxdomain``, for a name and all that is below it.

The file is a part of the configuration, to be included: with ``clause=yes`` at its top level, with ``clause=no``
inside the clause ``server``.  The empty form is the clause without anything in it, or an empty file.  Public suffixes
are refused.  Names are always A-labels: Unbound takes others, too, and never sees them asked for.

Source: unbound.conf(5).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from core.exports.formats import Consumer, Finding, Option, Output, Values, yes_or_no
from core.exports.formatting.checker import ask
from core.exports.formatting.choices import choice
from core.exports.formatting.name_lines import write_names
from core.exports.formatting.names import BYTES_PER_NAME
from core.values.types import HOSTNAME

NAME = "unbound"
MEANING = "local zones of Unbound that answer for names and all below them"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".conf"
TYPES = frozenset({HOSTNAME})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_NAME

ACTIONS = {
    "nxdomain": "always_nxdomain",
    "nodata": "always_nodata",
    "null": "always_null",
    "refuse": "always_refuse",
    "drop": "always_deny",
}
OPTIONS = {
    "action": Option("nxdomain", f"what is answered: {', '.join(ACTIONS)}; null is the address 0.0.0.0 or ::"),
    "clause": Option("yes", "begin with the clause server: yes or no"),
    "reduce": Option("no", "leave out names below another on the list, which answers for them anyway: yes or no"),
}
CONSUMERS = (
    Consumer(
        "Unbound, local zones",
        "what its memory holds, some 420 bytes a name",
        "a label of more than 63 characters, and whatever it cannot read: it does not start, and a running one ends when "
        "it is told to reload; other characters in a name are taken and never match",
        'include: "/etc/unbound/yeti.conf"; a timer fetches https://HOST/exports/NAME with the header '
        "'Authorization: Bearer TOKEN' of a consumer, asks unbound-checkconf, and does unbound-control reload",
        checker="unbound-checkconf",
    ),
)
_CHECKED = """server:
    directory: ""
    chroot: ""
    username: ""
    module-config: "iterator"
    include: "list.conf"
"""


@dataclass(frozen=True, slots=True)
class Form:
    """The options, understood."""

    action: str
    has_clause: bool
    is_reduced: bool


def parse(options: Mapping[str, str]) -> Form:
    """Return the options, understood."""
    return Form(
        ACTIONS[choice(options, "action", ACTIONS)], yes_or_no(options, "clause"), yes_or_no(options, "reduce")
    )


def render_values(batches: Iterator[Values], out: Output, options: Form) -> None:
    """Write the zones."""
    file = out.open()
    if options.has_clause:
        file.write("server:\n", 0)
    write_names(batches, file, out, f'local-zone: "{{0}}." {options.action}\n', is_reduced=options.is_reduced)


def check(files: Sequence[Path], options: Form) -> list[Finding]:
    """Return what ``unbound-checkconf`` finds wrong."""
    with TemporaryDirectory(dir=files[0].parent) as name:
        folder = Path(name)
        (folder / "list.conf").symlink_to(files[0].resolve())
        (folder / "unbound.conf").write_text(_CHECKED)
        said = ask("unbound-checkconf", ["unbound.conf"], folder=folder)
    return said.findings()
