"""A Sigma rule: whether a text is one, in one YAML document.

Source: the Sigma Rules Specification 2.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from core.errors import DefinitionError, RefusedValue
from core.exports.definitions import yaml_files
from core.exports.formatting.sigma_conditions import check_condition

LONGEST_BYTES = 1 << 20
LONGEST_TITLE = 256
LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
RELATIONS = ("derived", "obsolete", "merged", "renamed", "similar")
_TEXTS = ("description", "author", "license")
_LISTS = ("references", "fields", "falsepositives", "scope", "tags")
_MODIFIERS = frozenset((
    "all", "base64", "base64offset", "cased", "cidr", "contains", "endswith", "exists", "expand", "fieldref", "gt", "gte",
    "i", "lt", "lte", "m", "neq", "re", "s", "startswith", "utf16", "utf16be", "wide", "windash",
))  # fmt: skip
_OF_ANYTHING = frozenset(("all", "neq"))
_ENCODED = frozenset(("base64", "base64offset"))
_OF_REGEXES = frozenset(("re", "i", "m", "s"))
_NUMERIC = frozenset(("gt", "gte", "lt", "lte"))
_ALONE = _NUMERIC | {"cidr", "exists"}
_PARTS = frozenset(("contains", "endswith", "startswith"))
_WIDE = frozenset(("utf16", "utf16be", "wide"))
_NOT_OF_REGEXES = _ENCODED | _WIDE | {"cased", "windash"}
_FIRST_MARK = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*---[ \t]*\n")
_breaks_file = re.compile(r"^(?:---|\.\.\.|%)", re.MULTILINE).search
_is_tag = re.compile(r"[a-z0-9_-]+\.[a-z0-9._-]+").fullmatch
_is_search = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch


@dataclass(frozen=True, slots=True)
class SigmaRule:
    """One rule: its text, title and id (empty if it has none)."""

    text: str
    title: str
    id: str


def read_sigma(text: str) -> SigmaRule:
    """Return the one rule that *text* is.

    Raises:
        RefusedValue: It is none, or would change what stands beside it in a file of several documents.
    """
    if len(text) > LONGEST_BYTES:
        raise RefusedValue("Sigma: longer than a rule is")
    text = _FIRST_MARK.sub("", text)  # the file has marks of its own
    if _breaks_file(text):
        raise RefusedValue("Sigma: more than one document")
    rule = _loaded(text)
    if "action" in rule:
        raise RefusedValue("Sigma: a collection, whose shared part every rule behind it would have, too")
    if "correlation" in rule or "filter" in rule:
        raise RefusedValue("Sigma: speaks of other rules")
    title = _text(rule, "title")
    if not title or len(title) > LONGEST_TITLE:
        raise RefusedValue("Sigma: no title, or one that is too long")
    _check_head(rule)
    _check_logsource(rule.get("logsource"))
    _check_detection(rule.get("detection"))
    return SigmaRule(text.strip("\n"), title, str(rule.get("id", "")).lower())


def _loaded(text: str) -> dict[str, Any]:
    try:
        rule = yaml_files.load(text)
    except DefinitionError as error:
        raise RefusedValue("Sigma: not a YAML document with every key once") from error
    if not isinstance(rule, dict) or not all(isinstance(key, str) for key in rule):
        raise RefusedValue("Sigma: not a mapping")
    return rule


def _text(rule: Mapping[str, Any], key: str) -> str:
    value = rule.get(key, "")
    if not isinstance(value, str):
        raise RefusedValue(f"Sigma: {key} is not a text")
    return value


def _check_head(rule: Mapping[str, Any]) -> None:
    for key in _TEXTS:
        _text(rule, key)
    for key, possible in (("level", LEVELS), ("status", STATUSES)):
        if key in rule and rule[key] not in possible:
            raise RefusedValue(f"Sigma: {key} is none of {', '.join(possible)}")
    for key in _LISTS:
        items = rule.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise RefusedValue(f"Sigma: {key} is not a list of texts")
    tags = rule.get("tags", [])
    if not all(_is_tag(tag) for tag in tags) or len(set(tags)) < len(tags):
        raise RefusedValue("Sigma: a tag that is none, or twice")
    for key in ("date", "modified"):
        if key in rule and not _is_date(rule[key]):
            raise RefusedValue(f"Sigma: {key} is not a date")
    if "id" in rule:
        _check_id(rule["id"])
    _check_related(rule.get("related", []))


def _is_date(value: Any) -> bool:
    if isinstance(value, date):
        return type(value) is date
    try:
        return bool(date.fromisoformat(str(value).replace("/", "-")))
    except ValueError:
        return False


def _check_id(value: Any) -> None:
    try:
        is_id = str(UUID(value)) == str(value).lower()
    except (ValueError, AttributeError, TypeError):
        is_id = False
    if not is_id:
        raise RefusedValue("Sigma: an id that is no UUID")


def _check_related(related: Any) -> None:
    if not isinstance(related, list):
        raise RefusedValue("Sigma: related is not a list")
    for item in related:
        if not isinstance(item, dict) or set(item) != {"id", "type"} or item["type"] not in RELATIONS:
            raise RefusedValue("Sigma: related without id and type")
        _check_id(item["id"])


def _check_logsource(logsource: Any) -> None:
    keys = ("category", "product", "service")
    if not isinstance(logsource, dict) or not any(logsource.get(key) for key in keys):
        raise RefusedValue("Sigma: no logsource")
    if not all(isinstance(value, str) for value in logsource.values()):
        raise RefusedValue("Sigma: a logsource that is not of texts")


def _check_detection(detection: Any) -> None:
    if not isinstance(detection, dict) or "condition" not in detection:
        raise RefusedValue("Sigma: no detection with a condition")
    searches = {key: value for key, value in detection.items() if key not in ("condition", "timeframe")}
    if "timeframe" in detection or not searches:
        raise RefusedValue("Sigma: a timeframe, which Sigma 2 does not have, or no search")
    for name, search in searches.items():
        if not isinstance(name, str) or not _is_search(name):
            raise RefusedValue("Sigma: a search with a name that cannot be one")
        _check_search(search)
    conditions = detection["condition"]
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if not isinstance(condition, str):
            raise RefusedValue("Sigma: a condition that is not a text")
        check_condition(condition, searches)
    if not conditions:
        raise RefusedValue("Sigma: no detection with a condition")


def _check_search(search: Any) -> None:
    items = search if isinstance(search, list) else [search]
    if not items:
        raise RefusedValue("Sigma: a search for nothing")
    for item in items:
        if isinstance(item, dict) and item:
            for key, value in item.items():
                _check_field(key, value)
        elif isinstance(item, bool) or not isinstance(item, str | int):
            raise RefusedValue("Sigma: a search that is neither of fields nor of words")


def _check_field(key: Any, value: Any) -> None:
    if not isinstance(key, str):
        raise RefusedValue("Sigma: a field with a name that is not a text")
    _, *modifiers = key.split("|")
    # What i, m and s say of an expression must stand behind it.
    is_regex = modifiers[:1] == ["re"]
    if not _MODIFIERS.issuperset(modifiers) or not (is_regex or _OF_REGEXES.isdisjoint(modifiers)):
        raise RefusedValue("Sigma: a modifier that Sigma 2 does not have, or not there")
    if not _go_together(modifiers):
        raise RefusedValue("Sigma: modifiers that do not go together")
    values = value if isinstance(value, list) else [value]
    if not values or ("all" in modifiers and len(values) < 2):
        raise RefusedValue("Sigma: a field without values")
    for one in values:
        _check_value(one, modifiers)


def _go_together(modifiers: list[str]) -> bool:
    """Say whether each modifier can take what those before it make of a value."""
    others = [modifier for modifier in modifiers if modifier not in _OF_ANYTHING]
    if not _ALONE.isdisjoint(others):
        return others == modifiers[:1]
    if "fieldref" in others:
        return modifiers[0] == "fieldref" and others.count("fieldref") == 1 and _PARTS.issuperset(others[1:])
    if "re" in others:
        return others.count("re") == 1 and _NOT_OF_REGEXES.isdisjoint(others)
    if len(_WIDE.intersection(others)) > 1 or others.count("utf16") > 1:
        return False
    after = next((number for number, modifier in enumerate(others) if modifier in _PARTS), len(others))
    return _ENCODED.isdisjoint(others[after:])


def _check_value(value: Any, modifiers: list[str]) -> None:
    if value is not None and not isinstance(value, str | int | float):
        raise RefusedValue("Sigma: a value that is neither text, number nor null")
    others = {*modifiers} - _OF_ANYTHING
    if "exists" in others:
        is_possible = isinstance(value, bool)
    elif not _NUMERIC.isdisjoint(others):
        is_possible = isinstance(value, int | float) and not isinstance(value, bool)
    elif not _ENCODED.isdisjoint(others) or "fieldref" in others:
        is_possible = isinstance(value, str) and not {"*", "?"} & {*value}
    else:
        is_possible = not others or isinstance(value, str)
    if not is_possible or not _is_read(value, others):
        raise RefusedValue("Sigma: a value that its modifier cannot take")


def _is_read(value: Any, modifiers: set[str]) -> bool:
    try:
        if "re" in modifiers:
            re.compile(str(value))
        elif "cidr" in modifiers:
            ip_network(value)
    except (re.error, ValueError, OverflowError, RecursionError):
        return False
    return True
