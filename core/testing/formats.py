"""The conformance kit of export formats: what every format has to keep, tried on hostile values.

A test module of a format says which, and how its consumer reads a file, in words of its own::

    from core.testing.formats import FormatConformance

    class TestHosts(FormatConformance):
        format = "hosts"

        def read(self, files):
            lines = files["export.txt"].decode().splitlines()
            return [line.split()[1] for line in lines if not line.startswith("#")]

        def entry(self, type, value):
            return value

``read`` must be strict: it raises on whatever the consumer would refuse or misread, and uses nothing of the format.
What the format takes is then read back; what it does not take must have been refused with a reason.
Only pytest is needed, no store and no server: ``pip install '.[storage-test]'``.
"""

import re
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from core.exports.formats import Format, Numbered, Value, get_format, parse_options, suffix_of
from core.exports.formatting.memory import Memory
from core.exports.output import Rendered, SpoolOutput, refused_rows
from core.testing.format_batches import INSTANT, batches_of, many
from core.testing.format_values import GOOD, RELATED, TEXTS
from core.values import types as observable_types

DOES_NOT_APPLY = "this format has no such thing: "
"""What the reason of a skipped test begins with that has nothing to try, and so proves nothing."""
FEW_ENTRIES, MANY_ENTRIES = 6_000, 18_000
SLACK_BYTES = 256 * 1024
"""So much more may be taken for three times as many entries."""


class Written(NamedTuple):
    """What a format made of some observables.

    Attributes:
        files: Content by name.
        entries: How many observables it says it wrote.
        accepted: The observables that it did not refuse.
        refused: What it refused, with the reason.
        notes: What it said.
    """

    files: dict[str, bytes]
    entries: int
    accepted: list[Value]
    refused: dict[Value, str]
    notes: tuple[str, ...]


class FormatConformance:
    """Tests of one format with one set of options.

    Attributes:
        format: Its name.
        options: As ``--option`` would give them.
        refuses: Harmless values that it refuses all the same, for a reason that its documentation has.
        may_repeat: Whether an entry may stand in the files twice.
        most_entries: The number of entries that the consumer takes, where the format looks after it; 0 is none.
    """

    format: ClassVar[str] = ""
    options: ClassVar[dict[str, str]] = {}
    refuses: ClassVar[frozenset[str]] = frozenset()
    may_repeat: ClassVar[bool] = False
    most_entries: ClassVar[int] = 0

    def read(self, files: dict[str, bytes]) -> Sequence[str]:
        """Return the entries that the consumer finds in *files*, in order; raise on what it would not take."""
        raise NotImplementedError("give a method read")

    def entry(self, type: str, value: str) -> str:
        """Return the entry that an observable must be found as; raise ``ValueError`` if it can be none."""
        return value

    def meaning(self, entries: Iterable[str]) -> Any:
        """Return what *entries* say together, to be compared: of networks that are put together, the addresses."""
        return set(entries)

    @pytest.fixture
    def form(self) -> Format:
        """The format under test."""
        return get_format(self.format)

    @pytest.fixture
    def types(self, form: Format) -> list[str]:
        """The types that it takes."""
        return sorted(observable_types.TYPES if form.TYPES is None else form.TYPES)

    # --- what it says of itself ---------------------------------------------------------------------------------

    def test_it_says_what_it_is(self, form):
        """Media type, suffix, meaning, and the meaning of every option are there."""
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+(; ?[a-z]+=[\w.-]+)*", form.MEDIA_TYPE)
        assert re.fullmatch(r"\.[a-z0-9.]+", form.SUFFIX)
        assert form.MEANING
        assert form.__doc__
        assert all(option.meaning for option in form.OPTIONS.values())

    def test_it_says_who_reads_it(self, form):
        """Of each consumer it is known how much it takes, what a bad entry does, and how to wire it up."""
        for consumer in getattr(form, "CONSUMERS", ()):
            assert all((consumer.name, consumer.limits, consumer.one_bad_entry, consumer.setup))
            words = consumer.given
            parse_options(form, words)
            assert not consumer.checker or hasattr(form, "check"), "it names a program that is never run"

    # --- what it writes -----------------------------------------------------------------------------------------

    def test_harmless_values_are_written(self, form, types, tmp_path):
        """Of every type it takes, each as what it is."""
        written = self.write(form, [Value(type_, value) for type_ in types for value in GOOD[type_]], tmp_path)

        assert self.refuses == {value.value for value in written.refused}
        self.check(written)

    def test_nothing_is_a_legal_file(self, form, tmp_path):
        """The empty form is one that the consumer takes, and says nothing."""
        written = self.write(form, [], tmp_path)

        assert written.files
        self.check(written)

    def test_a_hostile_value_is_itself_or_refused(self, form, types, tmp_path):
        """It never becomes another entry, hides one, or makes two; what stands beside it stays."""
        for number, (type_, text) in enumerate(product(types, TEXTS)):
            beside = [Value(type_, value) for value in GOOD[type_] if value not in self.refuses]
            folder = tmp_path / str(number)
            folder.mkdir()
            written = self.write(form, [*beside, Value(type_, text)], folder)

            assert set(written.refused) <= {Value(type_, text)}, f"{text!r} took others with it"
            self.check(written, f"with {text!r} as {type_}")

    def test_all_of_them_at_once(self, form, types, tmp_path):
        """What is not refused is there, and nothing else."""
        some = [Value(type_, text) for type_ in types for text in (*GOOD[type_], *TEXTS)]
        some += [Value(*pair) for pair in RELATED if pair[0] in types]

        self.check(self.write(form, some, tmp_path))

    def test_hostile_tags_do_no_harm(self, form, types, tmp_path):
        """Tags, sources and context are texts of strangers, too."""
        some = [Value(type_, value) for type_ in types for value in GOOD[type_] if value not in self.refuses]
        for number, text in enumerate(TEXTS):
            folder = tmp_path / str(number)
            folder.mkdir()
            written = self.write(form, some, folder, tags=(text or "c2", "botnet"))

            assert not written.refused
            self.check(written, f"with the tag {text!r}")

    def test_relatives(self, form, types, tmp_path):
        """Parents and children, and networks within each other, lose nothing."""
        self.check(self.write(form, [Value(*pair) for pair in RELATED if pair[0] in types], tmp_path))

    def test_a_text_of_several_types(self, form, types, tmp_path):
        """The same text as a value of each type: an entry of those it can be, which stands there once."""
        texts = sorted({text for some in GOOD.values() for text in some})

        self.check(self.write(form, [Value(type_, text) for type_ in types for text in texts], tmp_path))

    def test_what_is_beyond_its_limit_is_told(self, form, types, tmp_path):
        """As many as the consumer takes are written without a word; of one more it is said, or it is refused."""
        if not self.most_entries:
            pytest.skip(f"{DOES_NOT_APPLY}a number of entries that it looks after")
        some = list(many(types, self.most_entries + 1))
        for name in ("most", "more"):
            (tmp_path / name).mkdir()

        most = self.write(form, some[:-1], tmp_path / "most")
        more = self.write(form, some, tmp_path / "more")

        assert (self.most_entries, {}, ()) == (most.entries, most.refused, most.notes)
        assert more.refused or more.notes
        self.check(more)

    # --- how it works -------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [1, 7])
    def test_batches_do_not_matter(self, form, types, tmp_path, size):
        """The same observables make the same bytes, however they come."""
        some = [Value(type_, text) for type_ in types for text in (*GOOD[type_], *TEXTS)]
        for name in ("a", "b"):
            (tmp_path / name).mkdir()

        assert self.write(form, some, tmp_path / "a", size=size) == self.write(form, some, tmp_path / "b")

    def test_it_keeps_no_more_than_it_says(self, form, types, tmp_path):
        """Three times as many entries take no more memory, beyond what the format says of itself."""
        peaks = []
        # The first, small one loads what is loaded once.
        for count in (1, FEW_ENTRIES, MANY_ENTRIES):
            folder = tmp_path / str(count)
            folder.mkdir()
            tracemalloc.start()
            batches = batches_of(form, many(types, count), ("c2", "botnet"), 1_000)
            self._rendered(form, batches, folder, _Forgetful())
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

        each = getattr(form, "MEMORY_BYTES_PER_ENTRY", 0)
        assert peaks[2] - peaks[1] <= each * (MANY_ENTRIES - FEW_ENTRIES) + SLACK_BYTES

    def test_the_fast_way_makes_the_same(self, form, types, tmp_path):
        """What the database would make is what the format makes."""
        from core.store.snapshot import Column

        options = parse_options(form, self.options)
        parts = form.line(options) if hasattr(form, "line") else None
        if parts is None or not {*parts} & {*Column} <= {Column.TYPE, Column.VALUE}:
            pytest.skip(f"{DOES_NOT_APPLY}a fast way, or one that takes texts which only a store has")
        some = sorted(Value(type_, value) for type_ in types for value in GOOD[type_])
        head = form.head(options) if hasattr(form, "head") else ""
        lines = [
            "".join({Column.TYPE: item.type, Column.VALUE: item.value}.get(part, part) for part in parts)
            for item in some
        ]

        (content,) = self.write(form, some, tmp_path).files.values()

        assert (head + "".join(lines)).encode() == content

    def test_files_are_text(self, form, types, tmp_path):
        """UTF-8 without a mark, and the last line ended."""
        some = [Value(type_, text) for type_ in types for text in (*GOOD[type_], *TEXTS)]
        for content in self.write(form, some, tmp_path).files.values():
            text = content.decode()

            assert not text.startswith("\ufeff")
            assert not text or text.endswith("\n")

    # --- what the tests share -----------------------------------------------------------------------------------

    def write(
        self,
        form: Format,
        observables: Iterable[Value],
        folder: Path,
        *,
        tags: tuple[str, ...] = ("c2", "botnet"),
        size: int = 1_000,
    ) -> Written:
        """Return what the format makes of *observables*, sorted and each once, as it is promised to them."""
        some = sorted(set(observables))
        return self._write(form, batches_of(form, some, tags, size), folder, some)

    def check(self, written: Written, what: str = "") -> None:
        """Read the files back and compare; see that reasons are reasons, and that the counts are right."""
        assert len(written.accepted) == written.entries, f"it miscounts {what}"
        for reason in written.refused.values():
            assert reason.isprintable()
            assert 0 < len(reason) < 200
        found = list(self.read(written.files))
        expected = [self.entry(*item) for item in written.accepted]

        assert self.meaning(expected) == self.meaning(found), what
        assert self.may_repeat or len(found) == len(set(found)), f"an entry stands there twice {what}"

    def _write(self, form: Format, batches: Iterator[Any], folder: Path, some: Sequence[Value]) -> Written:
        rendered = self._rendered(form, batches, folder)
        refused = {Value(type_, value): reason for type_, value, reason in refused_rows(rendered)}
        return Written(
            {file.name: file.path.read_bytes() for file in rendered.files},
            rendered.entries,
            [item for item in some if item not in refused],
            refused,
            rendered.notes,
        )

    def _rendered(
        self, form: Format, batches: Iterator[Any], folder: Path, memory: Memory | None = None
    ) -> Rendered:
        name = getattr(form, "FILE_NAME", "") or f"export{suffix_of(form, self.options)}"
        out = SpoolOutput(
            folder, name, form.MEDIA_TYPE, export="export", instant=INSTANT, memory=memory or Memory()
        )
        with closing(out):
            render: Any = getattr(form, "render_values", None) or form.render
            render(batches, out, parse_options(form, self.options))
            return out.finish(is_complete=True)


class _Forgetful(Memory):
    """Gives numbers and keeps none of them, as a store does for a format: what it keeps is not the format's."""

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return numbers."""
        return [Numbered(number, 1) for number in range(1, 1 + len(texts))]
