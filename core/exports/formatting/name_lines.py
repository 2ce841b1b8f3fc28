"""Lists that have a line, or the same few lines, for each host name."""

from collections.abc import Callable, Iterator

from core.exports.formatting.contract import Output, OutputFile, Values
from core.exports.formatting.names import OutermostNames, listed_names


def write_names(
    batches: Iterator[Values], file: OutputFile, out: Output, pattern: str, *, is_reduced: bool = False
) -> None:
    """Write the host names of *batches*; those that cannot be listed are refused.

    Args:
        batches: Of type ``hostname``.
        file: Where to.
        out: Where refusals and notes go.
        pattern: The lines of a name, which stands where they have ``{0}``, once or twice.
        is_reduced: Leave out what is below another name of the list, since the consumer takes that for both.
    """
    text_of = lines_of(pattern)
    outermost = OutermostNames()
    for batch in batches:
        names = listed_names(batch, out)
        if is_reduced:
            outermost.add(names)
        else:
            file.write(text_of(names), len(names))
    if is_reduced:
        write_outermost(outermost, file, out, pattern)


def write_outermost(outermost: OutermostNames, file: OutputFile, out: Output, pattern: str) -> None:
    """Write the outermost names; those below count as written, and a note says how many they are."""
    text_of = lines_of(pattern)
    for names in outermost.batches():
        file.write(text_of(names), len(names))
    if outermost.covered:
        file.write("", outermost.covered)
        out.note(
            f"{outermost.covered:,} names are below another on the list, which covers them: no line of their own"
        )


def lines_of(pattern: str) -> Callable[[list[str]], str]:
    """Return the function that makes the lines of names, each as *pattern* with the name for ``{0}``, once or twice."""
    before, *middle, after = pattern.split("{0}")
    joint = after + before

    def once(names: list[str]) -> str:
        return before + joint.join(names) + after if names else ""

    def twice(names: list[str]) -> str:
        (between,) = middle
        return once([f"{name}{between}{name}" for name in names])

    return twice if middle else once
