"""File names: every portable one works, every other one is refused before the client is asked."""

import pytest

from core.errors import InvalidFileName
from core.testing.storage.under_test import ClientUnderTest, cannot, proves

NAMES = (
    "plain.txt",
    "no-suffix",
    ".hidden",
    "two words & 100%.csv",
    "100%25 %2F.txt",
    'quote\'d "name"+~.txt',
    "ü/日本語/🦊.json",
    "deep/er/and/deeper/file.txt",
    "a=b;c,d@e!$(f)[g]{h}#i?j.txt",
    "x" * 200,
)
REFUSED_NAMES = (
    *("", "/etc/passwd", "..", ".", "a/../b", "a/./b", "a//b", "a/", "a\\b", "C:x", "~/x"),
    *("../x", "a\0b", "a\nb", "\ud800", "x" * 256, ".yeti-0123456789abcdef.part"),
)


class FileNameTests(ClientUnderTest):
    """What files may be called."""

    @pytest.mark.parametrize("name", NAMES)
    def test_portable_names_work(self, client, storage, name):
        """Every portable name can be put, read and deleted, nested ones without making folders first."""
        if "/" in name and cannot(client, "nested"):
            return  # test_nested_names_work_or_are_refused demands the refusal
        client.put_file(name, name)

        assert client.get_file(name) == name
        assert self.raw(client, name) == name.encode()
        assert storage.stat(name).name == name
        if hasattr(client, "list"):
            assert [stat.name for stat in storage.list()] == [name]
        client.delete_file(name)
        with pytest.raises(FileNotFoundError):
            client.get_file(name)

    def test_names_do_not_run_into_each_other(self, client):
        """A name that begins like another is another file, and so is one in other letters or another form."""
        names = ["ab", "abc", "ab.c", "AB", "\u00e9", "e\u0301", "a b", "a%20b", "a+b"]
        names += [] if cannot(client, "nested") else ["d/ab", "d/abc"]
        for name in names:
            client.put_file(name, name)
        client.delete_file("ab")

        found = [client.get_file(name) for name in names[1:]]
        assert found == names[1:], (
            "two names are two files: do not fold, quote or normalize what comes in (put_file)"
        )

    @proves("name ../x", name="../x")
    @pytest.mark.parametrize("name", REFUSED_NAMES, ids=lambda name: ascii(name)[:20])
    def test_other_names_are_refused(self, client, storage, name):
        """A name that is not portable is refused before the client is asked, and nothing is stored."""
        for verb in (storage.open_writer, storage.open_reader, storage.stat, storage.delete):
            with pytest.raises(InvalidFileName):
                verb(name)
        with pytest.raises(InvalidFileName):
            storage.write(name, "x")
        with pytest.raises(InvalidFileName):
            storage.presign(name, 60)

        self.expect_names(client, storage, [])
