import subprocess
from pathlib import Path

import pytest
import trustme

from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "source"
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)
    return Source(folder)


@pytest.fixture
def app(source: Source) -> AppRecord:
    return AppRecord("hello", str(source.folder))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mirrors(tmp_path: Path, clock: Clock) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", clock)


@pytest.fixture
def nobody(tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that trusts the servers' certificates and has no settings."""
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
    monkeypatch.setenv("HOME", str(tmp_path))
