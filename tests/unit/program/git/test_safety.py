"""program/git/safety.py: the rules by which git is run, as git itself reads them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from executor.git.git_access import git_access
from framework.git.git_command import GitCommand
from program.git.safety import ENVIRONMENT, SETTINGS, SETTINGS_IN_FILE, write_file, write_options


def read(*arguments: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that git has with some arguments, by name; the last of each holds."""
    output = subprocess.run(
        ["git", *arguments, "config", "--list", "--null"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **environment},
    ).stdout
    return dict(entry.split("\n", 1) for entry in output.split("\0") if entry)


def lowered(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings by their names as git writes them."""
    return {name.lower(): value for name, value in settings.items()}


def test_git_reads_a_file_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text(write_file({**SETTINGS, **SETTINGS_IN_FILE}))
    found = read(environment={"GIT_CONFIG_GLOBAL": str(tmp_path / "settings")})
    assert found == lowered({**SETTINGS, **SETTINGS_IN_FILE})


def test_options_override_the_machines_settings(tmp_path: Path) -> None:
    bad = dict.fromkeys(SETTINGS, "bad")
    (tmp_path / "settings").write_text(write_file(bad))
    found = read(
        *write_options(SETTINGS), environment={"GIT_CONFIG_GLOBAL": str(tmp_path / "settings")}
    )
    assert found == lowered(SETTINGS)


def test_the_frameworks_git_uses_all_settings(tmp_path: Path) -> None:
    GitCommand(tmp_path)
    found = read(environment={"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")})
    assert lowered({**SETTINGS, **SETTINGS_IN_FILE}).items() <= found.items()
    assert found["credential.helper"] == ""


def test_every_git_of_an_executor_uses_all_settings(tmp_path: Path) -> None:
    own, foreign = "https://h/own.git", "https://elsewhere/x.git"
    with git_access(tmp_path / "keys", own, None, {"HOME": str(tmp_path)}) as access:
        for address in (own, foreign):
            environment = access.for_repository(address).environment
            assert ENVIRONMENT.items() <= environment.items()
            assert lowered(SETTINGS_IN_FILE).items() <= read(environment=environment).items()
        assert access.for_repository(foreign).environment["GIT_ALLOW_PROTOCOL"] == "http:https"
