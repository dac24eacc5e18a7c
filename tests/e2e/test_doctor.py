"""`prevs doctor` in front of the whole system."""

import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import Cluster, Hello

pytestmark = pytest.mark.e2e


def test_every_part_of_a_whole_system_is_found_and_well(cluster: Cluster, hello: Hello) -> None:
    environ = {"PREVS_API": cluster.api, "PREVS_TOKEN": cluster.token, "HOME": str(cluster.dir)}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--json"],
        check=False,
        env=environ,
        capture_output=True,
        text=True,
    )
    seen = {one["part"]: one for one in json.loads(done.stdout)}
    for part in ("settings", "framework", "framework: version", "framework: clock", "token"):
        assert seen[part]["level"] == "ok", seen[part]
    assert "admin" in seen["token"]["told"]
    for name in ("zookeeper", "mesos"):
        assert name in seen["framework"]["told"]
    # A proxy of the system knows that there is no such app; the framework reads the repository.
    assert seen["addresses"]["level"] == "ok", seen["addresses"]
    assert not [one for one in seen.values() if one["level"] == "wrong"], done.stdout
    assert done.returncode == 0
