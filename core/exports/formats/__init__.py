r"""The formats that exports can have: one file each, dropped into this folder.

A format is a Python file here, in the folder ``formats`` of ``system.plugins_path``, or a module that an
installed package offers in the entry-point group ``core.export_formats``.  It is used at once, without a restart.
A broken one never breaks another: `broken_formats` lists it with its reason.  It has these names::

    NAME = "list"                                  # the word for --format
    MEANING = "one value a line"                   # for people, one phrase
    MEDIA_TYPE = "text/plain; charset=utf-8"
    SUFFIX = ".txt"                                # of the published file, if the user names none
    TYPES = frozenset({"ipv4", "ipv6"})            # what it can express; None is everything
    OPTIONS = {"header": Option("yes", "a first line with the names")}     # {} if there are none

    def render(rows, out, options): ...            # writes the files; this one or
    def render_values(batches, out, options): ...  # this one, see below

and, where they help::

    CONSUMERS = (Consumer(…),)                     # what reads it: limits, what a bad entry does, how to wire it up
    MEMORY_BYTES_PER_ENTRY = 32                    # of a format that must see all entries at once; 0 is none
    FILE_NAME = "manifest.json"                    # where the consumer looks for a file of that name: then each export
                                                   # has a folder of its own, and its other files go there, too
    COUNTED_ROWS = True                            # its rows also say which assertions let them in, and until when:
                                                   # ``counts``, ``counts_until``
    WHOLE_ROWS = True                              # that, and since when the export lists them: ``listed_at``

    def parse(options): ...                        # {name: text}, defaults filled in -> what ``render`` is given;
                                                   # raises DefinitionError.  Without it, that dictionary itself
    def suffix(options): ...                       # -> str, in place of SUFFIX where it goes by an option
    def line(options): ...                         # -> (str | Column, ...), or None: the fast way, see below
    def head(options): ...                         # -> str, what comes before the first line of the fast way
    def next_counter(last, instant): ...           # -> int, the publish counter of the next version: see below
    def check(files, options): ...                 # [Path] -> [Finding]: what the consumer's own checker finds wrong

``render`` is given *rows*, an iterator of batches (lists of ``core.store.snapshot.Row``) in the order of the
export, and *out*, an `Output`: it opens one file or several, writes text that ends with the batch, and says how
many entries that were.  It keeps to these rules:

- It writes what the format allows, to the letter, and always a legal file, also when there are no rows.
- Each observable counts in one file of the set only, so that entries and refusals add up to what was selected.
- It need not look for duplicates: no type and value comes twice, also not in what is left of a network that was split.
  What it makes one line of two of them, or finds as a value of two types, is its own to write once.
- It never holds more than a batch, unless it says how much it keeps of each entry, and gives the same bytes for the
  same rows.
- A value that it cannot express is never bent into another: ``out.refuse(row, reason)``.

A format that looks at nothing but types and values has ``render_values``: its batches are `Values`, many of one type
without dates and tags, which the store gives ten times as fast.

What it knows of before: ``out.numbers`` has a number for an observable that stays the same in every version (the sid of
a rule), ``out.gone`` says what earlier versions had and this one has not, and ``out.withdrawals`` what was withdrawn
and when, be it on the list again or not (an indicator to be revoked).  A set of files is published in the opposite
order to that in which they were opened: first opened is what names the others.

The fast way.  Where a line is nothing but pieces of text between columns of the store, ``line`` says so and the
database makes the lines: ``(Column.VALUE, "\n")``.  Such a line ends with the only line break in it.  If a value
has one inside, or a carriage return, the engine finds out and calls ``render`` instead; so both must give the
same bytes for all other values.

The publish counter.  Some consumers look at a number to see that a file is new: the serial of a zone.  Such a
format writes ``COUNTER_MARK`` where the number belongs, and ``next_counter`` chooses it when a version is published
(*last* is that of the latest version, or ``None``; *instant* is microseconds UTC).  Content that is the same but for
the number is not published again.

The check.  ``check`` is given the finished files, in the order in which they were opened, and the options as
``render`` has them.  It returns its findings.  A text, one line, is about the files as a whole: with any, the run is held
and cannot be released.  A `BadEntry` is about one entry: ``render`` is called once more, finds it in ``out.tried``, and
refuses it, so that one does not take the file with it.  A `NotChecked` says what was not looked at, as where the
program is not installed; it holds nothing, and is told as a note of the run.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from core.errors import DefinitionError, PluginError
from core.exports.formatting.contract import (
    COUNTER_MARK,
    BadEntry,
    Consumer,
    Finding,
    Format,
    Gone,
    NotChecked,
    Numbered,
    Option,
    Output,
    OutputFile,
    Tried,
    Value,
    Values,
)
from core.plugins import Plugins
from core.plugins.plugin import BrokenPlugin, Plugin

ENTRY_POINTS = "core.export_formats"
REQUIRED = ("NAME", "MEANING", "MEDIA_TYPE", "SUFFIX", "TYPES", "OPTIONS")
__all__ = [
    "COUNTER_MARK",
    "BadEntry",
    "Consumer",
    "Finding",
    "Format",
    "Gone",
    "NotChecked",
    "Numbered",
    "Option",
    "Output",
    "OutputFile",
    "Tried",
    "Value",
    "Values",
    "broken_formats",
    "formats",
    "get_format",
    "nearest",
    "parse_options",
    "suffix_of",
    "use_plugins_path",
    "yes_or_no",
]


def formats() -> dict[str, Format]:
    """Return every format that works, by name.  Of two with one name, neither does."""
    claims = _claims()
    return {name: plugins[0].content for name, plugins in sorted(claims.items()) if len(plugins) == 1}


def broken_formats() -> tuple[BrokenPlugin, ...]:
    """Return every format that cannot be used, with its reason."""
    clashes = [
        BrokenPlugin(plugin.origin, f"the format {name!r} is also in {_others(plugins, plugin)}")
        for name, plugins in sorted(_claims().items())
        if len(plugins) > 1
        for plugin in plugins
    ]
    return (*_plugins.found().broken, *clashes)


def get_format(name: str) -> Format:
    """Return the format *name*.

    Raises:
        DefinitionError: There is none that works; the message has the nearest, and why it does not work.
    """
    known = formats()
    if name in known:
        return known[name]
    reasons = [f"{item.origin}: {item.reason}" for item in broken_formats() if _is_about(item, name)]
    if reasons:
        raise DefinitionError(f"the format {name!r} cannot be used: {'; '.join(reasons)}", word="format")
    raise DefinitionError(
        f"unknown format {name!r}{nearest(name, known)}; known: {', '.join(known)}", word="format"
    )


def parse_options(form: Format, given: Mapping[str, str]) -> Any:
    """Return what ``render`` of *form* is to be given for the options that the user gave.

    Raises:
        DefinitionError: An option is unknown (with the nearest), or has no such value.
    """
    for key in given:
        if key not in form.OPTIONS:
            known = ", ".join(form.OPTIONS) or "none"
            message = f"the format {form.NAME} has no option {key!r}{nearest(key, form.OPTIONS)}; known: {known}"
            raise DefinitionError(message)
    options = {key: given.get(key, option.default) for key, option in form.OPTIONS.items()}
    parse: Callable[[dict[str, str]], Any] | None = getattr(form, "parse", None)
    return parse(options) if parse else options


def suffix_of(form: Format, given: Mapping[str, str]) -> str:
    """Return the suffix of the published file for the options that the user gave.

    Raises:
        DefinitionError: As `parse_options`.
    """
    suffix: Callable[[Any], str] | None = getattr(form, "suffix", None)
    return suffix(parse_options(form, given)) if suffix else form.SUFFIX


def yes_or_no(options: Mapping[str, str], key: str) -> bool:
    """Return the option *key* as a truth value.

    Raises:
        DefinitionError: It is neither yes nor no.
    """
    word = options[key].strip().lower()
    if word in ("yes", "true", "on", "1"):
        return True
    if word in ("no", "false", "off", "0"):
        return False
    raise DefinitionError(f"the option {key} is yes or no, not {options[key]!r}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``, did you mean …?`` where a known name is near, else nothing."""
    words = {word.lower(): word for word in known}
    swapped = [word for word in words if sorted(word) == sorted(name.lower())]
    near = swapped or get_close_matches(name.lower(), words, 1)
    return f", did you mean {words[near[0]]!r}?" if near else ""


def use_plugins_path(folder: Path | None) -> None:
    """Look for formats in *folder*, too; it need not exist."""
    _plugins.use_folder(folder)


def _read(thing: Any) -> Any:
    missing = [name for name in REQUIRED if not hasattr(thing, name)]
    if len({"render", "render_values"} - set(dir(thing))) != 1:
        missing.append("render or render_values (one of them)")
    if missing:
        raise PluginError(
            f"it has no {', '.join(missing)}; core/exports/formats/__init__.py says what a format is"
        )
    if not isinstance(thing.NAME, str) or not thing.NAME:
        raise PluginError("its NAME is not a text")
    if not all(isinstance(option, Option) for option in thing.OPTIONS.values()):
        raise PluginError("its OPTIONS are not all of core.exports.formats.Option")
    return thing


def _claims() -> dict[str, list[Plugin[Any]]]:
    claims: dict[str, list[Plugin[Any]]] = {}
    for plugin in _plugins.found().plugins:
        claims.setdefault(plugin.content.NAME, []).append(plugin)
    return claims


def _others(plugins: list[Plugin[Any]], one: Plugin[Any]) -> str:
    return ", ".join(plugin.origin for plugin in plugins if plugin is not one)


def _is_about(item: BrokenPlugin, name: str) -> bool:
    return Path(item.origin).stem == name or f"format {name!r}" in item.reason


_plugins: Plugins[Any] = Plugins(package=__name__, folder=Path(__file__).parent, group=ENTRY_POINTS, read=_read)
