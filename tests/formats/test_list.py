"""One value a line."""

from core.testing.formats import FormatConformance


class TestList(FormatConformance):
    """Read as ``grep -f`` would."""

    format = "list"
    may_repeat = True  # a value may be of two types

    def read(self, files):
        text = files["export.txt"].decode()
        assert "\r" not in text
        return text.split("\n")[:-1]
