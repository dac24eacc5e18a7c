from collections.abc import Iterator

import pytest

from tests.fakes.forges.clients import KINDS
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.server import ForgeServer


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def forge(request: pytest.FixtureRequest) -> Iterator[ForgeServer]:
    """A double of each kind of forge."""
    server: ForgeServer = request.param()
    yield server
    server.close()


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """A double of GitHub."""
    server = GitHubServer()
    yield server
    server.close()
