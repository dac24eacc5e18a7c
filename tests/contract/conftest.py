"""The doubles of forges for this folder; GitHub's agrees with GitHub's own description."""

import functools
import ssl
from collections.abc import Iterator

import pytest

from tests.fakes.forges.clients import KINDS
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.server import ForgeServer
from tests.published import github_api

_make_context = functools.cache(ssl.create_default_context)


@pytest.fixture(autouse=True)
def one_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read trusted certificates once, not for each client: the doubles speak plain HTTP."""
    monkeypatch.setattr(ssl, "create_default_context", _make_context)


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if our client asks, or the double answers, what GitHub does not describe.

    `make test-quick` goes without the description if `make packages-test` has not fetched it.
    """
    found: list[str] = []
    if github_api.FILE.exists():
        monkeypatch.setattr(GitHubServer, "answer", github_api.watched(GitHubServer.answer, found))
    yield
    assert found == []


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
