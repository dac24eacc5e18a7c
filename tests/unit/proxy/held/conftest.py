import pytest

from tests.fakes.pending_starts import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
