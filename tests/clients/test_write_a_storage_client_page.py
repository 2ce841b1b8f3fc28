"""The client and the test of the page "Write a storage client" work as they are printed."""

import re
from pathlib import Path

import pytest

from core.clients.persistient_storage import registry

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-storage-client.md"
CLIENT, TEST = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
CALL = 'use_plugins_path("/opt/yeti/plugins/storage")\n'

printed: dict = {"__name__": __name__}
exec(compile(TEST.replace(CALL, ""), str(PAGE), "exec"), printed)


class TestTheClientOfThePage(printed["TestBox"]):
    """The printed test class, run on the printed client."""

    @pytest.fixture(autouse=True)
    def _saved_as_the_page_says(self, drop_in) -> None:
        drop_in("box", CLIENT)


def test_the_page_uses_the_second_folder(tmp_path):
    """The call that the printed test begins with is the one that makes the folder known."""
    assert CALL in TEST
    printed["use_plugins_path"](tmp_path)
    try:
        assert registry.folders()[1] == tmp_path
    finally:
        registry.use_plugins_path(None)


def test_the_client_is_short():
    """A client needs no more than some thirty lines of code."""
    assert sum(1 for line in CLIENT.splitlines() if line.strip()) <= 30
