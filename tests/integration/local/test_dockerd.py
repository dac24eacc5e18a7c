"""Our dockerd: shared by holders of a lease; the last one ends it and removes its rest."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.docker.daemon import Daemon
from local.errors import LocalError

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace of its own: root"),
    pytest.mark.timeout(300),
]

# In a network namespace of its own, so that it does not meddle with another dockerd's iptables.
SCRIPT = """
import os, socket, subprocess, sys, time
from pathlib import Path
from local.docker import bridge
from local.docker.dockerd import DockerPart
from local.parts import processes
from local.parts.part import bring_up

def rules():
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return [line for line in saved.splitlines() if "DOCKER" in line or BRIDGE in line]

environ = {"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nowhere"}
folder = Path(sys.argv[1])
BRIDGE = bridge.name(folder)
first, second = DockerPart(folder, environ), DockerPart(folder, environ)
bring_up(first)
bring_up(second)
assert first.pid == second.pid, "both use the same one"
assert rules() and BRIDGE in [name for _, name in socket.if_nameindex()]

killed = processes.identify(first.pid)
processes.end([killed], 0)
deadline = time.monotonic() + 60
while second.problem() is None and time.monotonic() < deadline:
    time.sleep(0.05)
assert second.problem() == "has ended"
bring_up(second)
assert first.ready() and first.pid == second.pid != killed.pid, "a holder started it again"

again = processes.identify(second.pid)
second.stop()
assert first.ready() and processes.is_alive(again), "somebody holds it still"
first.stop()
assert not processes.is_alive(again)
assert processes.given(folder) == [], "nothing runs that was given a path of it"
assert rules() == [], "its iptables rules are gone"
assert [name for _, name in socket.if_nameindex()] == ["lo"], "its bridge is gone, too"
mounts = Path("/proc/self/mountinfo").read_text()
assert str(folder) not in mounts, "no mount is left"
print("all held")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    yield folder
    shutil.rmtree(folder)


def test_a_dockerd_is_shared_restarted_and_ended_by_its_last_user(folder: Path) -> None:
    inner = 'ip link set lo up && exec "$@"'
    command = ["unshare", "--net", "sh", "-c", inner, "sh", sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        [*command, str(folder / "docker")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.stdout == "all held\n", done.stderr


def test_a_folder_whose_sockets_would_have_too_long_paths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="too long"):
        Daemon(tmp_path / ("x" * 60)).prepare()
