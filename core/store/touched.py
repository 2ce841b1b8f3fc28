"""Which observables a session touched, and how: exact counts in one byte per row id."""

from collections import Counter

UNTOUCHED, UNCHANGED, UPDATED, NEW = 0, 1, 2, 3
_PAGE = 65_536


class Touched:
    """Each observable counts once, by the most that happened to it."""

    def __init__(self) -> None:
        """Begin with nothing touched."""
        self._pages: dict[int, bytearray] = {}
        self.counts = [0, 0, 0, 0]
        self.types: Counter[str] = Counter()

    def mark(self, key: int, type_: str, state: int) -> None:
        """Record that the observable *key* was found in *state*."""
        number, place = divmod(key, _PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = bytearray(_PAGE)
        before = page[place]
        if before == UNTOUCHED:
            self.types[type_] += 1
        if state > before:
            page[place] = state
            self.counts[before] -= 1
            self.counts[state] += 1

    def mark_new(self, first: int, count: int, types: Counter[str]) -> None:
        """Record that *count* observables from *first* on are new."""
        key, end = first, first + count
        while key < end:
            number, place = divmod(key, _PAGE)
            page = self._pages.setdefault(number, bytearray(_PAGE))
            length = min(_PAGE - place, end - key)
            page[place : place + length] = bytes((NEW,)) * length
            key += length
        self.counts[NEW] += count
        self.types.update(types)
