"""Read what a Yeti has: saved answers of its search for observables, and folders of ``*.jinja2`` templates.

Understood: ``{"observables": […], "total": n}``, a bare list, a single observable, one a line; tags as a list of
objects and, as in 2024, as an object keyed by name.

* Each tag keeps its own dates: ``last_seen``, and ``expires`` as the end of its window.  An ``expires`` of null
  means never, and is kept as the last day that can be written.
* ``created`` is the first date that Yeti knows, so it is ``first_seen``.
* An observable without tags is of kind *info*: Yeti itself exports none.
* Entries of ``context`` stay, flattened; the ``source`` in them becomes ``origin``.

Decision 0028 has the reasons.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from core.errors import RefusedValue, UnreadableFile
from core.ingest import typed
from core.ingest.json_stream import objects, outline
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.schemas.claim import Claim, Kind, Refusal, StoredTemplate
from core.schemas.instant import LATEST, Instant
from core.values import types
from core.values.markings import strictest, tlp_of

NAME = "yeti"
MEANING = "saved answers of Yeti's /observables/search; *.jinja2 templates"
TEMPLATE_SUFFIX = ".jinja2"
MAX_TEMPLATE_BYTES = 1 << 20

OTHERS = frozenset(
    ("auth_secret", "bic", "command_line", "container_image", "docker_image", "iban", "user_account")
)
"""Yeti's types that are ``generic`` here."""


def recognises(file: InputFile) -> int:
    """Return how sure it is that *file* is one of ours."""
    if file.path.suffix == TEMPLATE_SUFFIX:
        return 100
    found = outline(file)
    if found.get("observables") == "[" and ("total" in found or _is_observable(found, "observables.item.")):
        return 95
    return 92 if _is_observable(found, "item.") or _is_observable(found, "") else 0


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield the claims of *file*, or the one template.

    Raises:
        UnreadableFile: It is no JSON, no observable is in it, or the template is not text.
    """
    if file.path.suffix == TEMPLATE_SUFFIX:
        yield _template(file)
        return
    found = outline(file)
    place = "observables.item" if "observables" in found else "item" if found.get("") == "[" else ""
    if not found or (found.get("observables", "[") != "["):
        raise UnreadableFile("no answer of Yeti's search in it")
    for each in objects(file, {place}):
        if isinstance(each, Refusal):
            yield each
        else:
            yield from _document(each[0], each[1], file.name, options)


def _is_observable(found: dict[str, Any], place: str) -> bool:
    keys = ("root_type", "tags", "context", "created", "last_analysis")
    return all(f"{place}{key}" in found for key in ("value", "type")) and (
        found.get(f"{place}root_type") == "observable" or sum(f"{place}{key}" in found for key in keys) >= 3
    )


def _template(file: InputFile) -> StoredTemplate:
    if file.size_bytes > MAX_TEMPLATE_BYTES:
        raise UnreadableFile(f"larger than {MAX_TEMPLATE_BYTES >> 20} MiB, which no template is")
    with file.open_binary() as stream:
        data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"a template that is not UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise UnreadableFile("a template with a NUL character")
    return StoredTemplate(file.path.stem, text)


def _document(line: int, document: Any, file_name: str, options: Options) -> Iterator[Item]:
    inner = document.get("observables") if isinstance(document, dict) else document
    for thing in inner if isinstance(inner, list) else [document]:
        if isinstance(thing, dict):
            yield from _observable(line, thing, file_name, options)
        else:
            yield Refusal(line, "not an observable", excerpt(str(thing)))


def _observable(line: int, thing: dict[str, Any], file_name: str, options: Options) -> Iterator[Item]:
    named, text = thing.get("type"), thing.get("value")
    if not isinstance(named, str) or not isinstance(text, str):
        yield Refusal(line, "an observable without type or value", excerpt(str(text or named)))
        return
    kind = types.GENERIC if named in OTHERS else typed.ANY if named == "guess" else named
    try:
        type_, value = typed.typed(kind, text)
    except RefusedValue as error:
        yield Refusal(line, f"{excerpt(named)}: {error}", excerpt(text))
        return
    refusals: list[Refusal] = []
    first_seen = typed.dated(thing.get("created"), "created", line, refusals.append)
    tags = list(_tags(thing.get("tags"), line, refusals)) or [((), None, None)]
    facts = list(_contexts(thing, named if kind == types.GENERIC and named != kind else ""))
    info = Kind.INFO if tags == [((), None, None)] else Kind.MALICIOUS
    marking = strictest(tlp_of(name) for names, _, _ in tags for name in (*names, *options.tags))
    # A claim holds one end and one context, so there are as many as the longer list; the store unites them.
    for number, (tag, fact) in enumerate(zip_longest(tags, facts)):
        names, last_seen, valid_until = tag if number < len(tags) else tags[-1]
        yield Claim(
            type=type_,
            value=value,
            source=options.source or file_name,
            tags=options.tagged(list(names)),
            kind=info if options.kind is None else options.kind,
            first_seen=first_seen,
            last_seen=last_seen,
            valid_until=valid_until,
            tlp=marking,
            context=fact,
            line=line,
        )
    yield from refusals


_Tag = tuple[tuple[str, ...], Instant | None, Instant | None]


def _tags(tags: Any, line: int, refusals: list[Refusal]) -> Iterator[_Tag]:
    """Yield (name, last seen, end) of every tag, in either form."""
    listed: list[tuple[Any, Any]] = []
    if isinstance(tags, dict):
        listed = list(tags.items())
    elif isinstance(tags, list):
        listed = [(tag.get("name"), tag) if isinstance(tag, dict) else (tag, {}) for tag in tags]
    for name, facts in listed:
        cleaned = typed.clean_tags([name])
        if not cleaned:
            refusals.append(Refusal(line, "a tag without a usable name; taken without it", excerpt(str(name))))
            continue
        facts = facts if isinstance(facts, dict) else {}
        last_seen = typed.dated(facts.get("last_seen"), "last_seen", line, refusals.append)
        until = typed.dated(facts.get("expires"), "expires", line, refusals.append)
        if "expires" in facts and facts["expires"] is None:
            until = LATEST
        yield tuple(cleaned), last_seen, until


def _contexts(thing: dict[str, Any], other_type: str) -> Iterator[dict[str, Any] | None]:
    more = {"yeti_type": other_type}
    entries = thing.get("context")
    kept = 0
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            facts = {"origin" if key == "source" else typed.clean(key): fact for key, fact in entry.items()}
            kept += 1
            yield typed.context(facts | more)
    if not kept:
        yield typed.context(more)
