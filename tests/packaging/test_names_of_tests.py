"""Files of tests have names of their own: two of one name cannot be collected in one run."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_no_two_files_of_tests_have_one_name():
    """Whichever folders they are in."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))

    assert len(names) > 100
    assert [] == [name for name, number in names.items() if number > 1]
