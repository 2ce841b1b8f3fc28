"""What workers have to do."""

import pytest
from defined_exports import NOW, addresses


@pytest.fixture
def fill(store):
    """Import addresses."""

    def add(*numbers, now=NOW):
        with store.import_session(now) as session:
            session.add(addresses(*numbers))

    return add
