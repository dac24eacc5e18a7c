"""An operator removes the framework from Mesos: it ends with a report, and gets no new id."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes.dockerd import OwnDockerd
from tests.faults.sites import Site
from tests.faults.system import System

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


@pytest.fixture
def doomed(dockerd: OwnDockerd) -> Iterator[System]:
    """A cluster of the test's own: what is removed stays removed."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-t-"))
    made = System(folder, dockerd.host)
    try:
        made.up("--frameworks=2", "--agents=1")
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_framework_that_was_removed_ends_with_its_own_code_and_gets_no_new_id(
    doomed: System, tmp_path: Path
) -> None:
    site = Site(tmp_path / "site", "site", 1)
    added = doomed.call("POST", "/v1/apps", name="site", repository=str(site.folder))
    assert added.status_code == 201, added.text
    doomed.start("site", "b01")
    before = doomed.settle(running=1)

    master = f"http://127.0.0.1:{doomed.settings.mesos_port}"
    removed = requests.post(
        f"{master}/teardown",
        data={"frameworkId": before.framework_id},
        auth=doomed.observer.credential,
        timeout=10,
    )
    assert removed.status_code == 200, removed.text
    doomed.wait_for(lambda: all(_ended(doomed, f) for f in doomed.frameworks), "both have ended")
    log = (doomed.folder / "log" / "framework.log").read_text()
    assert "removed" in log
    doomed.wait_for(lambda: not doomed.observer.containers(), "its containers end")

    restarts = {f: doomed.part(f)["restarts"] for f in doomed.frameworks}
    doomed.wait_for(
        lambda: all(doomed.part(f)["restarts"] > restarts[f] for f in doomed.frameworks),
        "the supervisor tries again",
    )
    time.sleep(2)  # longer than a subscription takes
    state = doomed.observer.mesos("/state")
    assert state["frameworks"] == []
    assert [f["id"] for f in state["completed_frameworks"]] == [before.framework_id]
    assert doomed.observer.records()[0] == before.framework_id, "an operator has to forget it"


def _ended(system: System, framework: str) -> bool:
    return bool(system.part(framework)["problem"] == "exited with status 7")
