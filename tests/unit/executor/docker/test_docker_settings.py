"""executor/docker/docker_settings.py: whose settings are found, with and without a HOME."""

import os
import pwd
from pathlib import Path

import pytest

from executor.docker.docker_settings import find_settings

USER = next(user for user in pwd.getpwall() if user.pw_dir != os.environ.get("HOME"))
"""A user with another home folder than this process."""
NOBODY = 2**32 - 2
"""The id of no user, in any system."""


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"DOCKER_CONFIG": "/named", "HOME": "/home/me"}, "/named/config.json"),
        ({"DOCKER_CONFIG": "", "HOME": "/home/me"}, "/home/me/.docker/config.json"),
        ({"HOME": "/home/me"}, "/home/me/.docker/config.json"),
        ({"HOME": ""}, f"{USER.pw_dir}/.docker/config.json"),
        ({}, f"{USER.pw_dir}/.docker/config.json"),
    ],
)
def test_the_configured_folder_comes_before_the_home_and_before_the_system_record(
    environ: dict[str, str], found: str
) -> None:
    assert find_settings(environ, USER.pw_uid) == Path(found)


def test_a_user_unknown_to_the_system_has_settings_at_the_root() -> None:
    assert find_settings({}, NOBODY) == Path("/.docker/config.json")
