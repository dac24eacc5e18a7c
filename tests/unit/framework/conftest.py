import pytest

from prevs.records import AppRecord
from tests.fakes.asgi import ApiInProcess
from tests.fakes.driven import Driven


@pytest.fixture
def api() -> ApiInProcess:
    """The API over fakes, with an app `hello` whose branch main leads to a commit."""
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    api.refs.put("hello", "main", "a" * 40)
    return api


@pytest.fixture
def driven() -> Driven:
    driven = Driven()
    driven.add_app()
    return driven
