import pytest

from tests.fakes.driven import Driven


@pytest.fixture
def driven() -> Driven:
    driven = Driven()
    driven.add_app()
    return driven
