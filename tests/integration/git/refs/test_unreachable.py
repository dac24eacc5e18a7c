"""Repositories that cannot be read."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.errors import RepositoryUnreachable
from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord

pytestmark = pytest.mark.integration


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port without a server as long as the test runs."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        yield unheard.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/nowhere/at/all", "'/nowhere/at/all' does not appear to be a git repository"),
        ("http://127.0.0.1:{port}/x.git", "Failed to connect to 127.0.0.1"),
        ("http://ada:secret@127.0.0.1:{port}/x.git", "the address contains credentials"),
        ("git://127.0.0.1:{port}/x.git", "Connection refused"),
        ("ssh://nobody@127.0.0.1:{port}/x", "Connection refused"),
        ("-x", "the address is neither"),
    ],
)
def test_an_unreadable_repository_is_reported_with_gits_reason(
    mirrors: Mirrors, dead_port: int, address: str, why: str
) -> None:
    app = AppRecord("hello", address.format(port=dead_port))
    for read in (lambda: mirrors.resolve(app, "main"), lambda: mirrors.heads(app)):
        with pytest.raises(RepositoryUnreachable) as raised:
            read()
        assert why in str(raised.value)
        assert "secret" not in str(raised.value)


def test_a_repository_that_never_answers_is_given_up(tmp_path: Path) -> None:
    git = GitCommand(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(GitFailed, match="did not answer within 1 s"):
            git.run(tmp_path, ["ls-remote", url], limit=1)
