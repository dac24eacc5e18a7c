"""How an executor calls buildx: as the plugin that it is, where the docker command looks for it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from executor.builds.buildkit import find_command


def install(folder: Path, mode: int = 0o755) -> str:
    """Put a plugin into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "docker-buildx"
    plugin.touch(mode)
    return str(plugin)


@pytest.mark.parametrize("named", [True, False])
def test_the_users_own_plugin_goes_first(tmp_path: Path, named: bool) -> None:
    """`DOCKER_CONFIG` names the folder of the user's settings; else it is in the home."""
    environ = {"DOCKER_CONFIG": str(tmp_path)} if named else {"HOME": str(tmp_path)}
    own = install((tmp_path if named else tmp_path / ".docker") / "cli-plugins")
    install(tmp_path / "usr")
    assert find_command(environ, [str(tmp_path / "usr")]) == (own,)


@pytest.mark.parametrize("environ", [{}, {"HOME": "/nowhere"}])
def test_otherwise_the_plugin_of_all_users_is_used(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    plugin = install(tmp_path / "usr")
    folders = [str(tmp_path / "nowhere"), str(tmp_path / "usr")]
    assert find_command(environ, folders) == (plugin,)


def test_without_a_usable_plugin_the_docker_command_finds_it(tmp_path: Path) -> None:
    install(tmp_path, 0o644)
    assert find_command({}, [str(tmp_path)]) == ("docker", "buildx")
