"""Servers of repositories, and an agent that reads from them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import Agent, https
from tests.integration.git.git_servers import HttpsRepositories, SshRepositories, serve_ssh


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def agent(tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """An agent that trusts the servers' certificates, and whose user has no settings."""
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return Agent(tmp_path / "an agent's 100% folder")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that the servers serve."""
    made = tmp_path / "served"
    made.mkdir()
    return made


@pytest.fixture
def repository(root: Path) -> SampleRepository:
    return SampleRepository(root / "shop.git")


@pytest.fixture
def server(root: Path, authority: trustme.CA) -> Iterator[HttpsRepositories]:
    with https(root, authority) as served:
        yield served


@pytest.fixture
def elsewhere(root: Path, authority: trustme.CA) -> Iterator[HttpsRepositories]:
    """Another server with the same repositories, which requires the same name and password."""
    with https(root, authority) as served:
        yield served


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshRepositories]:
    commands = tmp_path / "commands"
    commands.mkdir()
    with serve_ssh(tmp_path / "sshd", commands) as served:
        yield served
