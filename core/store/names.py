"""Sources and tags by name and by row id, as one writer knows them."""

from collections.abc import Iterable
from dataclasses import replace

from core.store.databases.interface import Connection
from core.store.lifetimes import Lifetimes, read_lifetimes
from core.values.tags import tag_key


class Names:
    """A cache of two small tables; used inside write transactions, where nobody else can add to them."""

    def __init__(self, connection: Connection, default_s: int) -> None:
        """Begin empty, with the default lifetime; ``refresh`` reads."""
        self._default_s = default_s
        self._connection = connection
        self.source_ids: dict[str, int] = {}
        self.tag_ids: dict[str, int] = {}
        self.sources: dict[int, str] = {}
        self.tags: dict[int, str] = {}
        self.lifetimes = Lifetimes(default_s)
        self._last_source = 0
        self._last_tag = 0

    def refresh(self) -> bool:
        """Read what other processes added, and say whether a lifetime changed."""
        for key, name in self._connection.execute(
            "SELECT id, name FROM source WHERE id > ?", (self._last_source,)
        ):
            self._know_source(key, name)
        for key, name in self._connection.execute("SELECT id, name FROM tag WHERE id > ?", (self._last_tag,)):
            self._know_tag(key, name)
        lifetimes = read_lifetimes(self._connection, self._default_s)
        has_changed = lifetimes != self.lifetimes
        self.lifetimes = lifetimes
        return has_changed

    def forget(self) -> None:
        """Forget everything: a transaction was rolled back, and with it maybe what was added."""
        for known in (self.source_ids, self.tag_ids, self.sources, self.tags):
            known.clear()
        self.lifetimes = Lifetimes(self._default_s)
        self._last_source = self._last_tag = 0

    def add_sources(self, names: Iterable[str]) -> None:
        """Make row ids for those of *names* that have none."""
        for name in sorted(set(names) - self.source_ids.keys()):
            key = self._last_source + 1
            self._connection.execute("INSERT INTO source (id, name) VALUES (?, ?)", (key, name))
            self._know_source(key, name)

    def add_tags(self, names: Iterable[str]) -> None:
        """Make row ids for those of *names* that have none; a new spelling lives as the others of its tag do."""
        for name in sorted(set(names) - self.tag_ids.keys()):
            key, form = self._last_tag + 1, tag_key(name)
            like = self._connection.execute(
                "SELECT lifetime_s, sticky FROM tag WHERE key = ? ORDER BY id LIMIT 1", (form,)
            ).fetchone()
            lifetime_s, sticky = like or (None, None)
            self._connection.execute(
                "INSERT INTO tag (id, name, key, lifetime_s, sticky) VALUES (?, ?, ?, ?, ?)",
                (key, name, form, lifetime_s, sticky),
            )
            self._know_tag(key, name)
            if lifetime_s is not None:
                self.lifetimes = replace(self.lifetimes, tags={**self.lifetimes.tags, key: lifetime_s})

    def _know_source(self, key: int, name: str) -> None:
        self.source_ids[name] = key
        self.sources[key] = name
        self._last_source = max(self._last_source, key)

    def _know_tag(self, key: int, name: str) -> None:
        self.tag_ids[name] = key
        self.tags[key] = name
        self._last_tag = max(self._last_tag, key)
