"""executor/docker/docker_settings.py: whose settings are found, with and without a HOME."""

import os
import pwd
from pathlib import Path

import pytest

from executor.docker.docker_settings import find_settings

UID = 4321
USER = pwd.struct_passwd(("prevs", "x", UID, UID, "", "/srv/prevs", "/bin/sh"))


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has settings of its own, and a user that the system knows."""
    monkeypatch.setenv("HOME", "/of/the/process")
    monkeypatch.setenv("DOCKER_CONFIG", "/of/the/process")
    monkeypatch.setattr(os, "getuid", lambda: UID)
    monkeypatch.setattr(pwd, "getpwuid", {UID: USER}.__getitem__)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"DOCKER_CONFIG": "/named", "HOME": "/home/me"}, "/named/config.json"),
        ({"DOCKER_CONFIG": "", "HOME": "/home/me"}, "/home/me/.docker/config.json"),
        ({"HOME": "/home/me"}, "/home/me/.docker/config.json"),
        ({"HOME": ""}, "/srv/prevs/.docker/config.json"),
        ({}, "/srv/prevs/.docker/config.json"),
    ],
)
def test_the_configured_folder_comes_before_the_home_and_before_the_system_record(
    environ: dict[str, str], found: str
) -> None:
    assert find_settings(environ) == Path(found)


def test_a_user_unknown_to_the_system_has_settings_at_the_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: UID + 1)
    assert find_settings({}) == Path("/.docker/config.json")
