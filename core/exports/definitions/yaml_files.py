"""YAML of strangers: plain values only, no tags, every key once, and no more than the file is long.

A few lines of anchors can stand for more than a machine has memory for, a merge of merges even while it is read;
so what the aliases stand for is counted before anything is made of it.
"""

from typing import TYPE_CHECKING

import yaml

from core.errors import DefinitionError

if TYPE_CHECKING:
    from yaml import SafeLoader as _Safe
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_NODES = 200_000
MOST_LEVELS = 20


def load(text: str) -> object:
    """Return what a document of YAML holds; ``None`` if it is empty.

    Raises:
        DefinitionError: It is no YAML, or asks for more than plain values; the message begins with line and column
            where they are known.
    """
    if unprintable := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        raise DefinitionError(f"line {line}: a character that YAML may not hold")
    try:
        _measure(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        reason = error.problem or "not YAML"
        if reason.startswith("but ") and error.context:
            reason = f"{error.context}, {reason}"
        raise _refusal(reason, error.problem_mark) from None
    except DefinitionError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise DefinitionError(f"a value that cannot be: {str(error).partition(';')[0]}") from None


class _Loader(_Safe):  # type: ignore[misc]
    """As the safe loader, but a key that is there twice is an error, and the last does not win."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[object, object]:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, _ in node.value:
                # What is merged in (<<) comes first and may be overridden.
                if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                    if key.value in seen:
                        raise _refusal(f"the key {key.value!r} is there twice", key.start_mark)
                    seen.add(key.value)
        made: dict[object, object] = super().construct_mapping(node, deep=deep)
        return made


_MERGE = "tag:yaml.org,2002:merge"


def _measure(text: str) -> None:
    """Refuse what would be too deep or, its aliases written out, too much."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    nodes = 0
    for event in yaml.parse(text, Loader=_Safe):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise _refusal(f"the alias *{event.anchor} stands for nothing, or for itself", event.start_mark)
            nodes += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if nodes > MOST_NODES:
            raise _refusal(f"its aliases stand for more than {MOST_NODES:,} values", event.start_mark)
        if len(opened) > MOST_LEVELS:
            raise _refusal(f"more than {MOST_LEVELS} lists and mappings within each other", event.start_mark)


def _refusal(reason: str, mark: yaml.Mark | None) -> DefinitionError:
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return DefinitionError(place + reason)
