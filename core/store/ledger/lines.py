"""The lines of a changes file, which every version keeps: what it changed in the ledger, as JSON, one a line.

In order of (type, value); ``why`` is an object, the same text for the same reason.

============  ================================================================================================
``added``     listed now, and was not; ``why`` is ``{"by":"7.2 9.2"}``, row ids of tag and source of what lets it in
``changed``   listed before and now, and modified since; ``why`` as above
``removed``   was listed; ``why`` is ``{"reason": …}``; with ``modified_at`` it is kept off from now on
``kept-off``  selected and not listed; not listed before either, or kept off for another reason
``freed``     was kept off, and is neither that nor listed any more
============  ================================================================================================

With ``"piece": true`` it is about a part of a network that was split; ``id`` is that of the network.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Protocol, TypeVar

import msgspec

ADDED, CHANGED, REMOVED, KEPT_OFF, FREED = "added", "changed", "removed", "kept-off", "freed"
WITHDRAWN = "withdrawn"
ROLLED_BACK = "rolled-back"

encode = msgspec.json.Encoder().encode


class Change(msgspec.Struct, gc=False):
    """One line.

    Attributes:
        change: One of the words above.
        id: The row id of the observable; of a piece, that of its network.
        type, value: As they are listed.
        why: JSON, not looked into.
        modified_at: Of the observable; of what is listed or kept off now.
        piece: It is a part of a network.
    """

    change: str
    id: int
    type: str
    value: str
    why: msgspec.Raw
    modified_at: int | None = None
    piece: bool = False


class _Entry(Protocol):
    @property
    def change(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def value(self) -> str: ...


_E = TypeVar("_E", bound=_Entry)


def different(changes: Iterable[_E]) -> Iterator[_E]:
    """Yield of changes, in the order of their file, what makes the list a different one.

    What is left of one network may have been left of another before, or listed on its own: that is removed and
    added in one file, and there all the time.
    """
    for _, group in groupby(changes, lambda change: (change.type, change.value)):
        found = list(group)
        if len(found) == 1 or not {ADDED, REMOVED} <= {change.change for change in found}:
            yield from found
            continue
        yield from (change for change in found if change.change not in (ADDED, REMOVED))


decode = msgspec.json.Decoder(Change).decode
"""Return the `Change` of a line."""


def line_of(
    change: str,
    id: int,
    type: str,
    value_json: str,
    why: str,
    modified_at: int | None = None,
    *,
    piece: bool = False,
) -> str:
    """Return one line with its end; *value_json* is the value as a JSON string, *why* a JSON object."""
    moment = "" if modified_at is None else f',"modified_at":{modified_at}'
    mark = ',"piece":true' if piece else ""
    return f'{{"change":"{change}","id":{id},"type":"{type}","value":{value_json}{mark}{moment},"why":{why}}}\n'


def reason(word: str, **told: str) -> str:
    """Return why something left, as JSON."""
    return encode({"reason": word, **told}).decode()


def word_of(why: str) -> str:
    """Return the word of a reason."""
    return str(msgspec.json.decode(why).get("reason", ""))
