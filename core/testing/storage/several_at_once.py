"""Several at once: readers and writers of one file, threads that share a client."""

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.testing.storage.under_test import ClientUnderTest, alike, cannot, proves, state
from core.testing.together import at_once


class SeveralAtOnceTests(ClientUnderTest):
    """What readers and writers see of each other."""

    @proves("reader never sees partial")
    def test_racing_puts_never_mix(self, path, client):
        """Of several puts at once one stands, whole; a reader meanwhile sees one of them, whole.

        Where ``atomic`` cannot be promised it may find no file for a moment, but never a part of one.
        """
        texts = [f"{number}\n" * (1 << 16) for number in range(3)]
        client.put_file("file.txt", texts[0])
        seen: list[str | None] = []

        def put_or_read(number: int) -> None:
            mine = get_client(path) if cannot(client, "threads") else client
            for _ in range(5):
                if number < len(texts):
                    mine.put_file("file.txt", texts[number])
                else:
                    seen.extend(state(mine) for _ in range(3))

        at_once(put_or_read, len(texts) + 2)

        assert self.raw(client, "file.txt").decode() in texts, (
            "two puts are mixed: write beside, then replace (put_file)"
        )
        whole = {*texts, *([None] if cannot(client, "atomic") else [])}
        parts = [text if text is None else len(text) for text in seen if text not in whole]
        assert parts == [], (
            "a reader found no file, or a part of so many letters: write beside, then replace (put_file)"
        )

    @proves("reader never sees partial")
    def test_a_reader_that_began_sees_one_file(self, client, storage):
        """A reader that has begun gives the file that it opened, or an error; never old bytes and then new ones."""
        old, new = b"o" * (3 << 20), b"n" * (3 << 20)
        storage.write("file.txt", old)
        with storage.open_reader("file.txt") as file:
            read = file.read(100)
            storage.write("file.txt", new)
            try:
                read += file.read()
            except OSError:
                read = old  # said so, which is as good

        assert alike(read, old), "a reader has to stay with the file that it opened, or to raise (Writer)"
        assert alike(self.raw(client, "file.txt"), new)

    def test_a_client_per_thread_always_works(self, path, client):
        """A client may be made and used in any thread, whatever it can promise."""

        def use(number: int) -> str:
            mine = Storage(get_client(path))
            mine.write(f"{number}.txt", str(number))
            return mine.read_text(f"{number}.txt")

        assert at_once(use, 4) == ["0", "1", "2", "3"]
        assert self.raw(client, "3.txt") == b"3"
