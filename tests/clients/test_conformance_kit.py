"""The conformance kit itself: every way of breaking a client or `Storage` turns it red."""

import inspect

import pytest
from kit_mutants import (
    _mutants_of_storage,
    mutants_of_faults,
    mutants_of_five_methods,
    mutants_of_policies,
    mutants_of_promises,
    mutants_of_reading,
    mutants_of_writing,
)
from kit_session import OnFive, OnFolder, OnS3, expect_red, run_kit

from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.testing.storage import StorageClientTests


def mutants_in(*modules):
    return [
        pytest.param(thing, id=thing.PREFIX.removesuffix("://"))
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__ == module.__name__ and "CAUGHT_BY" in vars(thing)
    ]


CLIENTS = mutants_in(
    *(mutants_of_five_methods, mutants_of_writing, mutants_of_policies, mutants_of_reading, mutants_of_promises),
    mutants_of_faults,
)
OF_LOCAL = [case for case in CLIENTS if issubclass(case.values[0], LocalStorageClient)]
OF_S3 = [case for case in CLIENTS if issubclass(case.values[0], S3Client)]
OF_STORAGE = [pytest.param(mutant, id=mutant.__name__) for mutant in _mutants_of_storage.ALL]


@pytest.mark.parametrize("mutant", OF_LOCAL)
def test_a_broken_local_client_turns_the_kit_red(mutants, mutant, tmp_path, monkeypatch):
    """Each way of breaking the local client is caught by the tests that are named with it."""
    expect_red(OnFolder(mutant.PREFIX), mutant.CAUGHT_BY, tmp_path, monkeypatch)


@pytest.mark.parametrize("mutant", OF_S3)
def test_a_broken_s3_client_turns_the_kit_red(mutants, moto_in_use, mutant, tmp_path, monkeypatch):
    """Each way of breaking the S3 client is caught by the tests that are named with it."""
    expect_red(OnS3(mutant.PREFIX, moto_in_use), mutant.CAUGHT_BY, tmp_path, monkeypatch)


@pytest.mark.parametrize("mutant", OF_STORAGE)
def test_a_broken_storage_turns_the_kit_red(mutants, mutant, tmp_path, monkeypatch):
    """Each way of breaking what `Storage` does for every client is caught by the tests that are named with it."""
    one = OnFive(mutant.on) if mutant.on == _mutants_of_storage.FIVE else OnFolder(mutant.on)
    mutant(monkeypatch)
    expect_red(one, mutant.caught_by, tmp_path, monkeypatch)


def test_sound_clients_leave_the_kit_green(mutants, moto_in_use, tmp_path, monkeypatch):
    """The tests that catch mutants pass on the local, the S3 and the five-method client, run in the same way."""
    of_local = {test for mutant in OF_LOCAL for test in mutant.values[0].CAUGHT_BY}
    of_s3 = {test for mutant in OF_S3 for test in mutant.values[0].CAUGHT_BY if not test.endswith("ever]")}
    of_storage = {test for mutant in OF_STORAGE for test in mutant.values[0].caught_by}
    cases = (
        (OnFolder(""), of_local | of_storage),
        (OnFive("five://"), of_local | of_storage),
        (OnS3("s3://", moto_in_use), of_s3),
    )
    for number, (one, tests) in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        session = run_kit(one, tests, tmp_path / str(number), monkeypatch, enough="call passed")

        assert [(test, said) for test, said in session.outcomes.items() if "failed" in said] == []
        assert len(session.outcomes) >= len(tests)


def test_each_test_of_the_kit_catches_a_mutant():
    """There is no test in the kit that nothing turns red."""
    tests = {name for name in dir(StorageClientTests) if name.startswith("test_")}
    caught = [getattr(case.values[0], "CAUGHT_BY", ()) for case in (*OF_LOCAL, *OF_S3)]
    caught += [case.values[0].caught_by for case in OF_STORAGE]

    assert tests - {test.partition("[")[0] for names in caught for test in names} == set()


def test_there_are_enough_mutants():
    """Each has a docstring that says what is broken."""
    mutants = [case.values[0] for case in (*OF_LOCAL, *OF_S3, *OF_STORAGE)]

    assert len(mutants) >= 60
    assert [mutant for mutant in mutants if not inspect.getdoc(mutant)] == []
