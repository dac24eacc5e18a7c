"""What the tests of costs share."""

from collections.abc import Iterator

import pytest

from tests.costs.wire import Wire


@pytest.fixture
def wire(zookeeper: str) -> Iterator[Wire]:
    """A connection to the session's ZooKeeper that counts."""
    made = Wire(zookeeper)
    yield made
    made.close()
