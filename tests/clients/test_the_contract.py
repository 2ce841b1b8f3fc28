"""The contract and the kit: every guarantee names its test, and every test is named by a guarantee."""

import inspect
import re

from core.clients.persistient_storage import spec
from core.testing.storage import StorageClientTests

BRACKETS = re.compile(r"\[(test_\w+(?:,\s+test_\w+)*)\]")
TESTS = {name for name in dir(StorageClientTests) if name.startswith("test_")}


def docstrings():
    things = [spec, spec.PersistientStorageClient, spec.Writer, spec.OptionalMethods]
    methods = [method for thing in things[1:] for method in vars(thing).values() if inspect.isfunction(method)]
    return [text for text in (inspect.getdoc(thing) for thing in (*things, *methods)) if text]


def test_every_test_that_is_named_exists_and_the_other_way_round():
    """What stands in brackets in the contract are the tests of the kit, all of them and no others."""
    named = {
        name for text in docstrings() for names in BRACKETS.findall(text) for name in re.split(r",\s+", names)
    }

    assert named - TESTS == set(), "named in the contract, not in the kit"
    assert TESTS - named == set(), "in the kit, not named in the contract"


def test_every_test_has_a_sentence_of_its_own():
    """The docstring of a test says what it shows."""
    silent = [name for name in TESTS if not (getattr(StorageClientTests, name).__doc__ or "").strip()]

    assert silent == []
