import json
from pathlib import Path

import pytest

from local import settings
from local.errors import LocalError
from program.settings.keys import read_keys


def test_folders_follow_the_xdg_variables_and_ignore_relative_ones() -> None:
    home = {"HOME": "/home/me"}
    assert settings.default_folder(home) == Path("/home/me/.local/state/prevs/local")
    assert settings.cache_folder({**home, "XDG_CACHE_HOME": "/c"}) == Path("/c/prevs")
    relative = {**home, "XDG_DATA_HOME": "here"}
    assert settings.docker_folder(relative) == Path("/home/me/.local/share/prevs/docker")


def test_id_token_and_key_of_a_folder_stay_the_same_when_its_settings_change(
    tmp_path: Path,
) -> None:
    first = settings.prepare(tmp_path / "x", {"port": 1111})
    files = (first.token_file, first.proxy_token_file, first.metrics_token_file)
    tokens, keys = [file.read_text() for file in files], read_keys(first.key_file)
    assert len(set(tokens)) == len(tokens)
    second = settings.prepare(tmp_path / "x", {"port": 2222})
    assert (second.cluster, second.port) == (first.cluster, 2222)
    assert [file.read_text() for file in files] == tokens
    assert read_keys(second.key_file) == keys
    assert settings.read(tmp_path / "x") == second


def test_a_folder_its_token_and_its_key_are_closed_to_others(tmp_path: Path) -> None:
    made = settings.prepare(tmp_path / "x", {})
    assert made.folder.stat().st_mode & 0o777 == 0o700
    tokens = (made.token_file, made.proxy_token_file, made.metrics_token_file)
    for file in (*tokens, made.key_file, made.zookeeper_auth_file, made.proxy_zookeeper_auth_file):
        assert file.stat().st_mode & 0o777 == 0o600


def test_settings_that_cannot_be_read_raise_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"strange": 1}))
    with pytest.raises(LocalError, match="Remove it to start with new settings"):
        settings.read(tmp_path)


def test_every_agent_listens_on_an_address_of_its_own() -> None:
    made = settings.Settings(Path("/x"), "id", agents=3, agent_port=7)
    agents = [(host, port) for option, host, port in made.listeners() if option == "--agent-port"]
    assert agents == [("127.0.0.1", 7), ("127.0.0.2", 7), ("127.0.0.3", 7)]


def test_every_framework_listens_on_an_address_of_its_own_and_the_api_is_all_of_them() -> None:
    made = settings.Settings(Path("/x"), "id", frameworks=2, api_port=8)
    apis = [(host, port) for option, host, port in made.listeners() if option == "--api-port"]
    assert apis == [("127.0.0.1", 8), ("127.0.0.2", 8)]
    assert made.api == "http://127.0.0.1:8,http://127.0.0.2:8"
