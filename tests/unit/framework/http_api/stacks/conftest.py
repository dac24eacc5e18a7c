import pytest

from tests.fakes.apis import StacksApi


@pytest.fixture
def api() -> StacksApi:
    """Replace the API of all tests."""
    return StacksApi()
