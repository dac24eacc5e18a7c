"""The capabilities of a step of a build, in a network namespace of its own (step_rights.py)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.docker import step_rights

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace of its own: root"),
    pytest.mark.timeout(300),
]

PERILOUS = ["raw socket", "packet socket", "device"]


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    inner = 'ip link set lo up && exec "$@"'
    command = ["unshare", "--net", "--mount", "sh", "-c", inner, "sh", sys.executable]
    done = subprocess.run(
        [*command, "-m", step_rights.__name__, str(folder)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    loaded: Mapping[str, Mapping[str, Any]] = json.loads(done.stdout)
    return loaded


def test_a_step_opens_no_raw_socket_makes_no_device_and_does_what_packages_need(
    found: Mapping[str, Mapping[str, Any]],
) -> None:
    assert found["ours"]["can"] == [name for name in step_rights.TRIES if name not in PERILOUS]
    assert found["ours"]["bounding"] == "00000000800405fb"


def test_what_a_step_may_do_is_reported_and_checked(
    found: Mapping[str, Mapping[str, Any]],
) -> None:
    ours, dockers = found["ours"], found["dockers"]
    assert dockers["can"] == list(step_rights.TRIES), "as Docker has it, nothing is refused"
    assert (ours["reported"], dockers["reported"]) == ("", "CAP_NET_RAW and CAP_MKNOD")
    assert ours["checked"].endswith("/build-runc")
    assert dockers["checked"] == ""
