"""executor/docker/daemon_group.py: whose socket a docker daemon's is not."""

import os
import socket
from pathlib import Path

import pytest

from executor.docker.daemon_group import NoGroup, find_group, find_variable


def test_a_socket_of_another_program_is_no_daemons(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        listening.listen(1)
        with pytest.raises(NoGroup, match=r"its process is not known"):
            find_group(f"unix://{tmp_path / 'docker.sock'}", tmp_path / "docker.pid")


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://192.0.2.1:2375"])
@pytest.mark.parametrize("pid", ["", "no number", str(os.getpid())], ids=["none", "text", "ours"])
def test_without_a_daemon_there_is_a_reason(host: str, pid: str, tmp_path: Path) -> None:
    (tmp_path / "docker.pid").write_text(pid)
    with pytest.raises(NoGroup, match=r"its process is not known"):
        find_group(host, tmp_path / "docker.pid")
    assert find_variable(host, "PATH", tmp_path / "docker.pid") is None
