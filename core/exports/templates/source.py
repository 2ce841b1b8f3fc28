"""Decide whether a template may be rendered in batches.

The template engine renders a text whole and gives no syntax tree, so a small reader of our own looks at the
source.  It errs on one side only: what it does not know is rendered whole.  A template is batched if it is text
and comments, one ``{% for X in data %}``, and text and comments again, and nothing in the loop can tell one batch
from another: not ``loop`` of that loop, not ``data``, nothing that keeps state.  See docs/decisions/0030.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][0-9_.eExXabcdfABCDF]*)
    |(?P<mark>//|\*\*|==|!=|<=|>=|[-+*/%~|.,:()\[\]<>=])
    """,
    re.VERBOSE | re.DOTALL,
)
PLAIN_TAGS = frozenset({"if", "elif", "endif", "with", "endwith", "filter", "endfilter", "continue"})
STATEFUL = frozenset({"namespace", "cycler", "joiner", "debug", "self", "super", "caller"})
ROW_FIELDS = frozenset({"value", "type", "tags", "created", "modified", "context"})
ONLY_NAMES = tuple(("|", "map", "(", "attribute", "=", f"{quote}name{quote}", ")") for quote in "'\"")
ENDS = {"{{": "}}", "{%": "%}"}


class NotBatched(Exception):
    """Say why a template is rendered whole."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A template in three: what is rendered once, what is rendered for each batch, what is rendered once.

    ``only_names``: of the tags of a row nothing but their names can come out, so that no more need be sent.
    """

    before: str
    loop: str
    after: str
    only_names: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the source; ``words`` are the tokens between the marks, without white space."""

    kind: Literal["text", "comment", "{{", "{%"]
    start: int
    end: int
    words: tuple[tuple[str, str], ...] = ()
    left: str = ""
    right: str = ""

    @property
    def tag(self) -> str:
        """The first word of a ``{% … %}``, else nothing."""
        return self.words[0][1] if self.kind == "{%" and self.words else ""


def split(source: str) -> Parts:
    """Return the parts of a template that may be rendered in batches.

    Each part is a template of its own; rendered one after the other, the loop once for each batch, they give the
    bytes of the whole.

    Raises:
        NotBatched: It must be rendered whole; the message is the reason, for people.
    """
    segments = list(_segments(source))
    tags = [index for index, segment in enumerate(segments) if segment.kind in ENDS]
    if not tags:
        raise NotBatched("it has no loop over data")
    first = segments[tags[0]]
    _check_head(first)
    last_index = _check_body(segments, tags[0])
    last = segments[last_index]
    if any(index > last_index for index in tags):
        raise NotBatched("there is more than text after the loop over data")
    # A tag without output keeps the white space control of the one it stands for.
    return Parts(
        before=source[: first.start] + "{%" + first.left + " set _ = 0 %}",
        loop=source[first.start : last.end],
        after="{% set _ = 0 " + last.right + "%}" + source[last.end :],
        only_names=_takes_only_names(segments[tags[0] : last_index]),
    )


def _takes_only_names(segments: list[Segment]) -> bool:
    """Say whether rows are used by attribute only, and their tags for nothing but names, as in Yeti's examples."""
    variable = segments[0].words[1][1]
    for segment in segments[1:]:
        words = [word for _, word in segment.words]
        for position, (kind, word) in enumerate(segment.words):
            if kind != "name" or word != variable or words[position - 1 : position] == ["."]:
                continue
            after = words[position + 1 : position + 3]
            if after[:1] != ["."] or len(after) < 2:
                return False
            if after[1] == "tags" and tuple(words[position + 3 : position + 10]) not in ONLY_NAMES:
                return False
            if after[1] not in ROW_FIELDS:
                return False
    return True


def _segments(source: str) -> Iterator[Segment]:
    position = 0
    while position < len(source):
        found = re.compile(r"\{[{%#]").search(source, position)
        if found is None:
            yield Segment("text", position, len(source))
            return
        if found.start() > position:
            yield Segment("text", position, found.start())
        segment = _comment(source, found.start()) if found[0] == "{#" else _code(source, found.start(), found[0])
        yield segment
        position = segment.end


def _comment(source: str, start: int) -> Segment:
    end = source.find("#}", start + 2)
    if end < 0:
        raise NotBatched("a comment does not end")
    return Segment("comment", start, end + 2)


def _code(source: str, start: int, opening: str) -> Segment:
    closing = ENDS[opening]
    position = start + 2
    left = source[position] if source[position : position + 1] in ("-", "+") else ""
    position += len(left)
    words: list[tuple[str, str]] = []
    while position < len(source):
        if source.startswith(closing, position):
            right = ""
            if words and words[-1][1] in ("-", "+"):
                right = words.pop()[1]
            return Segment("{{" if opening == "{{" else "{%", start, position + 2, tuple(words), left, right)
        token = TOKEN.match(source, position)
        if token is None:
            raise NotBatched(f"{source[position]!r} is not understood there (line {_line(source, position)})")
        if token.lastgroup != "space":
            words.append((str(token.lastgroup), token[0]))
        position = token.end()
    raise NotBatched(f"a tag does not end (line {_line(source, start)})")


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


def _check_head(segment: Segment) -> None:
    words = [word for _, word in segment.words]
    if segment.kind != "{%" or segment.tag != "for":
        raise NotBatched("something comes before the loop over data")
    if len(words) != 4 or words[2:] != ["in", "data"] or segment.words[1][0] != "name":
        raise NotBatched("its first loop is not a plain {% for NAME in data %}")
    if words[1] in STATEFUL | {"data", "loop", "_"}:
        raise NotBatched(f"its loop variable is called {words[1]}")


def _check_body(segments: list[Segment], head: int) -> int:
    """Go through the loop that begins at *head* and return the index of its end.

    ``inner`` has one entry for each open inner loop: true while its ``loop`` is the inner one, false behind its
    ``else``, where ``loop`` is that of the loop around.
    """
    opened: list[str] = []
    inner: list[bool] = []
    for index in range(head + 1, len(segments)):
        segment = segments[index]
        if segment.kind not in ENDS:
            continue
        tag = segment.tag
        if tag == "endfor" and not inner:
            if opened:
                raise NotBatched("its tags do not nest")
            return index
        # The list that an inner loop goes through is still the business of the loop around it.
        _check_names(segment, any(inner))
        if segment.kind == "{%":
            _check_tag(segment, tag, opened, inner)
    raise NotBatched("its loop does not end")


def _check_tag(segment: Segment, tag: str, opened: list[str], inner: list[bool]) -> None:
    if tag == "for":
        if any(word in ("recursive", "loop", "data") for _, word in segment.words):
            raise NotBatched("an inner loop is recursive, or uses loop or data")
        opened.append("for")
        inner.append(True)
    elif tag == "endfor":
        if not opened or opened.pop() != "for":
            raise NotBatched("its tags do not nest")
        inner.pop()
    elif tag == "else":
        if not opened:
            raise NotBatched("its loop has an else")
        if opened[-1] == "for":
            inner[-1] = False
    elif tag == "set":
        _check_set(segment)
    elif tag in ("if", "with", "filter"):
        opened.append(tag)
    elif tag.startswith("end"):
        if tag not in PLAIN_TAGS or not opened or opened.pop() != tag.removeprefix("end"):
            raise NotBatched("its tags do not nest" if tag in PLAIN_TAGS else f"it uses {tag}")
    elif tag not in PLAIN_TAGS:
        raise NotBatched(f"it uses {tag or 'an empty tag'}")


def _check_set(segment: Segment) -> None:
    words = segment.words
    if len(words) < 4 or words[1][0] != "name" or words[2][1] != "=":
        raise NotBatched("it uses set in another form than {% set NAME = … %}")


def _check_names(segment: Segment, in_inner_loop: bool) -> None:
    before = ""
    for position, (kind, word) in enumerate(segment.words):
        if kind == "name" and before not in (".", "|"):
            if segment.tag == "for" and position == 0:
                pass
            elif word == "data":
                raise NotBatched("data is used outside the head of the loop")
            elif word == "loop" and not in_inner_loop:
                raise NotBatched("it uses loop, which counts over all rows")
            elif word in STATEFUL:
                raise NotBatched(f"it uses {word}")
        before = word
