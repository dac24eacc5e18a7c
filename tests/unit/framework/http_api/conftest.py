import pytest

from tests.fakes.apis import WholeApi


@pytest.fixture(scope="module")
def whole() -> WholeApi:
    """Tests read it only."""
    return WholeApi()
