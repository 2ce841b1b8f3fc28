"""One value a line, in UTF-8, each line with a line end; the empty form is an empty file.

It is for people and for programs such as ``grep -f``, not for devices: every value stands there as it is, whatever its
type and spelling, also what would block everybody (``0.0.0.0/0``, ``*.com``, the hash of an empty file), and a text
that is a value of several types as often.  For firewalls, resolvers and scanners there are ``addresses``, ``domains``,
``urls`` and ``hashes``, which refuse that.

A value that holds a line break or a carriage return would become two lines, so it is refused.
"""

from collections.abc import Iterator, Mapping

from core.exports.formats import Consumer, Option, Output
from core.store.snapshot import Column, Row
from core.values.types import RULE
from core.values.types import TYPES as EVERY_TYPE

NAME = "list"
MEANING = "one value a line as it is; not for devices, which take addresses, domains, urls or hashes"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".txt"
TYPES = EVERY_TYPE - {RULE}  # a rule is text of many lines
OPTIONS: dict[str, Option] = {}
CONSUMERS = (
    Consumer(
        "GNU grep, fixed strings of whole lines",
        "what fits in memory; upper and lower case differ",
        "none: a line stands for itself alone; without -x an empty one would match everything",
        "curl --user NAME:TOKEN https://HOST/exports/NAME -o list.txt with the token of a consumer, then "
        "grep -F -x -f list.txt",
        tested_with="grep -F -x -f",
    ),
)

REASON = "holds a line break, so that it would be two lines"


def line(options: Mapping[str, str]) -> tuple[str | Column, ...]:
    """Return the parts of a line."""
    return (Column.VALUE, "\n")


def render(rows: Iterator[list[Row]], out: Output, options: Mapping[str, str]) -> None:
    """Write the values."""
    file = out.open()
    for batch in rows:
        values = []
        for row in batch:
            if "\n" in row.value or "\r" in row.value:
                out.refuse(row, REASON)
            else:
                values.append(row.value + "\n")
        file.write("".join(values), len(values))
