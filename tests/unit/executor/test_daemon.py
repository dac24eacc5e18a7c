"""executor/daemon.py: what docker-py reads before it connects."""

import json
from pathlib import Path
from typing import Any

import pytest

from executor.daemon import Daemon
from executor.errors import DockerUnavailable

SECRET = "nobody may see this"


@pytest.mark.parametrize(
    "settings", [[], {"auths": {"x": SECRET}}, {"auths": {"x": {"auth": SECRET}}}, {"auths": 3}]
)
def test_settings_of_docker_that_are_malformed_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(DockerUnavailable, match=r"config\.json is malformed") as failed:
        Daemon({"DOCKER_HOST": f"unix://{tmp_path}/none"}).client()
    assert SECRET not in str(failed.value)
