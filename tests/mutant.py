"""A fault put into the code on purpose, for one run of tests: see formats/test_mutants.py."""

import importlib
import inspect
import json
import os

import pytest

MUTANT = "YETI_TEST_MUTANT"
"""A variable with JSON: module, what stands in its source, and what is to stand there instead."""


def break_code() -> None:
    """Break the module that the variable names, if it is set; before anybody has imported from it."""
    wanted = os.environ.get(MUTANT)
    if not wanted:
        return
    name, old, new = json.loads(wanted)
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    if source.count(old) != 1:
        raise pytest.UsageError(f"{old!r} stands {source.count(old)} times in {name}, not once")
    exec(compile(source.replace(old, new), module.__file__ or name, "exec"), module.__dict__)
