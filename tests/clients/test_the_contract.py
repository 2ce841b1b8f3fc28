"""The contract and the kit: every guarantee names its test, and every test is named by a guarantee."""

import inspect
import re
from pathlib import Path

import pytest

from core.clients.persistient_storage import classes, spec
from core.testing.storage import StorageClientTests

BRACKETS = re.compile(r"\[(tests: )?(test_\w+(?:,\s+test_\w+)*)\]")
HERE = Path(__file__).parent
CLASSES = Path(classes.__file__ or "").parent
TESTS = {name for name in dir(StorageClientTests) if name.startswith("test_")}


def docstrings():
    things = [spec, spec.PersistientStorageClient, spec.Writer, spec.OptionalMethods]
    methods = [method for thing in things[1:] for method in vars(thing).values() if inspect.isfunction(method)]
    return [text for text in (inspect.getdoc(thing) for thing in (*things, *methods)) if text]


def named(where):
    """Return the tests that stand in brackets: of the kit, or with ``tests: `` of ours."""
    found = [match for text in docstrings() for match in BRACKETS.findall(text)]
    return {name for prefix, names in found if prefix == where for name in re.split(r",\s+", names)}


def test_every_test_that_is_named_exists_and_the_other_way_round():
    """What stands in brackets in the contract are the tests of the kit, all of them and no others."""
    assert named("") - TESTS == set(), "named in the contract, not in the kit"
    assert TESTS - named("") == set(), "in the kit, not named in the contract"


def test_every_test_of_ours_that_is_named_exists():
    """What the contract says of the program around a client is shown by tests beside this one."""
    ours = {
        name
        for file in HERE.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", file.read_text("utf-8"))
    }

    assert named("tests: ") - ours == set()


def test_every_method_names_a_test():
    """There is no method in the contract that nothing holds to it."""
    assert [text for text in docstrings() if not BRACKETS.search(text)] == []


def test_every_test_has_a_sentence_of_its_own():
    """The docstring of a test says what it shows."""
    silent = [name for name in TESTS if not (getattr(StorageClientTests, name).__doc__ or "").strip()]

    assert silent == []


@pytest.mark.parametrize("path", sorted(CLASSES.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_drop_in_file_is_short(path):
    """At most 120 lines each: what is a vendor's own stands in a folder beside it."""
    assert len(path.read_text("utf-8").splitlines()) <= 120
