"""Turn what a format calls a value into type and canonical value, and its texts into ones worth keeping."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import RefusedValue
from core.ingest.lines import excerpt
from core.schemas.claim import Refusal
from core.schemas.instant import Instant
from core.values import types
from core.values.canonical import classify
from core.values.dates import instant
from core.values.detect import detect
from core.values.misp_types import IP as IP
from core.values.misp_types import NAME as NAME
from core.values.refang import refang

ANY = "any"
"""Whatever it turns out to be."""

_DEFANGED = frozenset((types.IPV4, types.IPV6, types.CIDR, types.HOSTNAME, types.URL, types.EMAIL))
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MAX_TEXT = 2000
_MAX_TAG = 250

# The numbers are those of STIX 2.1, appendix A, for the scales it lists, and of the MISP taxonomy for its own.
_CONFIDENCE_TAGS = {
    'misp:confidence-level="completely-confident"': 100,
    'misp:confidence-level="usually-confident"': 75,
    'misp:confidence-level="fairly-confident"': 50,
    'misp:confidence-level="rarely-confident"': 25,
    'misp:confidence-level="unconfident"': 0,
    'estimative-language:confidence-in-analytic-judgment="high"': 85,
    'estimative-language:confidence-in-analytic-judgment="moderate"': 50,
    'estimative-language:confidence-in-analytic-judgment="low"': 15,
    'admiralty-scale:information-credibility="1"': 90,
    'admiralty-scale:information-credibility="2"': 70,
    'admiralty-scale:information-credibility="3"': 50,
    'admiralty-scale:information-credibility="4"': 30,
    'admiralty-scale:information-credibility="5"': 10,
}


def typed(kind: str, text: str) -> tuple[str, str]:
    """Return type and canonical value of *text*, which is of *kind*: a type, ``IP``, ``NAME`` or ``ANY``.

    Raises:
        RefusedValue: It is none.
    """
    if kind == ANY:
        found = detect(text)
        if found is None:
            raise RefusedValue("of no type that is known")
        return found
    if kind == NAME:
        return classify(types.PATH if "\\" in text or "/" in text else types.FILE, text)
    if kind == types.RULE and "\ufffd" in text:
        # The other types refuse it themselves; a rule may hold what it likes, but not what its file did not.
        raise RefusedValue("a character in it could not be decoded")
    if kind == IP:
        kind = types.IPV6 if ":" in text else types.IPV4
    return classify(kind, refang(text.strip()) if kind in _DEFANGED else text)


def confidence_of(tags: "list[str]") -> int | None:
    """Return the confidence that *tags* state in one of the usual taxonomies; the lowest of several."""
    return min((_CONFIDENCE_TAGS[tag.lower()] for tag in tags if tag.lower() in _CONFIDENCE_TAGS), default=None)


def clean(value: object) -> str:
    """Return *value* as one line of printable text for context, 2,000 characters at most; empty if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)
    if not text.isprintable():
        text = _UNPRINTABLE.sub(" ", text)
    text = text.strip()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def clean_tags(names: object) -> list[str]:
    """Return the texts among *names* that can be tags, each once, in order."""
    if not isinstance(names, list | tuple):
        return []
    cleaned = (clean(name) for name in names if isinstance(name, str))
    return list(dict.fromkeys(tag for tag in cleaned if tag and len(tag) <= _MAX_TAG))


def context(facts: Mapping[str, object]) -> dict[str, Any] | None:
    """Return *facts* as flat context: texts and lists of texts, nothing empty; ``None`` if nothing is left."""
    kept: dict[str, Any] = {}
    for key, fact in facts.items():
        value = list(dict.fromkeys(map(clean, fact))) if isinstance(fact, list | tuple) else clean(fact)
        if value and value != [""]:
            kept[key] = value
    return kept or None


def dated(value: object, name: str, line: int, refuse: Callable[[Refusal], None]) -> Instant | None:
    """Return the moment *value*; ``None`` if there is none or it is none, which is then refused as *name*."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, str | int | float) else ""
    try:
        return instant(text)
    except RefusedValue as error:
        refuse(Refusal(line, f"{name}: {error}; taken without it", excerpt(text)))
        return None
