"""The conformance kit for storage clients: what the contract says, as tests.

The test of a new client is one fixture and one method::

    class TestMine(StorageClientTests):
        @pytest.fixture
        def path(self, server):
            return f"mine://{server.address}/a-place-of-its-own"

        def raw(self, client, file_name):
            return server.bytes_of(file_name)       # behind the client's back

``path`` must be a new, empty place for every test.  ``raw`` reads the stored bytes by other means than the client:
otherwise a wrong put and a wrong get could agree with each other.  What a client says it cannot promise
(`spec.CANNOT_PROMISE`), and what it lacks the optional methods for, must be refused in words; the kit checks that.

Two more methods make it see more; `ClientUnderTest` says how.  ``raw_names`` lists all that is stored, hidden
things included: then nothing may be left behind unseen.  ``path_through`` leads the client to its server through
a proxy: then the server fails, stalls and cuts answers short.

Without any code, ``pytest --storage-url=mine://a-place-of-its-own`` runs the same tests.
The tests are in the files beside this one, by subject.  The docstring of each is what has to hold; where an assertion
adds what to mend, the name in brackets is that of the docstring in `spec` with the sentence.
"""

import pytest

_SUBJECTS = (
    *("under_test", "five_methods", "file_names", "commit_or_nothing", "verbs", "metadata", "policies"),
    *("promises", "several_at_once", "killed", "disk_full", "server_faults", "behind"),
)
# Before they are imported: then pytest shows the values of an assert that fails, wherever the kit is installed.
pytest.register_assert_rewrite(*(f"{__name__}.{subject}" for subject in _SUBJECTS))

from core.testing.storage.commit_or_nothing import CommitOrNothingTests  # noqa: E402
from core.testing.storage.disk_full import DiskFullTests  # noqa: E402
from core.testing.storage.file_names import FileNameTests  # noqa: E402
from core.testing.storage.five_methods import FiveMethodTests  # noqa: E402
from core.testing.storage.killed import KilledTests  # noqa: E402
from core.testing.storage.metadata import MetadataTests  # noqa: E402
from core.testing.storage.policies import PolicyTests  # noqa: E402
from core.testing.storage.promises import PromiseTests  # noqa: E402
from core.testing.storage.server_faults import ServerFaultTests  # noqa: E402
from core.testing.storage.several_at_once import SeveralAtOnceTests  # noqa: E402
from core.testing.storage.verbs import VerbTests  # noqa: E402

__all__ = ["StorageClientTests"]


class StorageClientTests(  # pytest runs the last one first
    ServerFaultTests,
    DiskFullTests,
    KilledTests,
    PromiseTests,
    SeveralAtOnceTests,
    PolicyTests,
    MetadataTests,
    VerbTests,
    CommitOrNothingTests,
    FileNameTests,
    FiveMethodTests,
):
    """Subclass it, give ``path`` and ``raw``, and every test of the kit is run on your client."""
