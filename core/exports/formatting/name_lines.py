"""Lists that have a line, or the same few lines, for each host name."""

from collections.abc import Iterator

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
        pattern: The lines of a name, which stands where they have ``{0}``.
        is_reduced: Leave out what is below another name of the list, since the consumer takes that for both.
    """
    line = pattern.format
    outermost = OutermostNames()
    for batch in batches:
        names = listed_names(batch, out)
        if is_reduced:
            outermost.add(names)
        else:
            file.write("".join(map(line, names)), len(names))
    if is_reduced:
        write_outermost(outermost, file, out, pattern)


def write_outermost(outermost: OutermostNames, file: OutputFile, out: Output, pattern: str) -> None:
    """Write the outermost names; those below count as written, and a note says how many they are."""
    line = pattern.format
    for names in outermost.batches():
        file.write("".join(map(line, names)), len(names))
    if outermost.covered:
        file.write("", outermost.covered)
        out.note(
            f"{outermost.covered:,} names are below another on the list, which covers them: no line of their own"
        )
