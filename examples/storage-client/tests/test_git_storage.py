"""The Git client keeps the contract: the conformance kit, and nothing else."""

import subprocess

import pytest

from core.testing.storage import StorageClientTests


class TestGitStorage(StorageClientTests):
    """Every test of the kit, each on a repository of its own."""

    @pytest.fixture
    def path(self, tmp_path):
        """A repository that is not there yet."""
        return f"git-repo://{tmp_path}/lists.git"

    def raw(self, client, file_name):
        """Ask git itself."""
        repository, branch = client.file_path("").removeprefix("git-repo://").removesuffix(":").split("#")
        command = ["git", f"--git-dir={repository}", "cat-file", "blob", f"{branch}:{file_name}"]
        return subprocess.run(command, capture_output=True, check=True).stdout
