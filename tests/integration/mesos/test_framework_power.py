"""All machines of a cluster lose their power at once, and boot again."""

import contextlib
import dataclasses
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from framework.attempts.reconciliation import UNANSWERED_SECONDS
from local.mesos.installation import Installation
from local.parts import processes
from local.parts.part import Part, ProcessPart, bring_up
from prevs.paths import Paths
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.fakes.framework import Framework
from tests.integration.mesos.own_mesos import kill, own_mesos
from tests.running_parts import running
from tests.waits import wait_until

pytestmark = pytest.mark.integration

A = "a" * 40


class Site(NamedTuple):
    """The parts of a cluster; `agent_folder` has the agent's state."""

    zookeeper: Part
    master: ProcessPart
    agent: Part
    agent_folder: Path

    @contextlib.contextmanager
    def framework(self) -> Iterator[Framework]:
        """A framework, which ends as when it is killed."""
        framework = Framework(self.master.address, self.zookeeper.address, Paths())
        try:
            yield framework
        finally:
            framework.kill()

    def lose_agent(self) -> None:
        """End the agent and its executors as a power cut does."""
        kill(self.agent)
        executors = processes.having("MESOS_SLAVE_PID", f"slave(1)@{self.agent.address}")
        processes.end(executors, 0)

    def lose_others(self) -> None:
        """End master and ZooKeeper."""
        for part in (self.master, self.zookeeper):
            kill(part)

    def boot(self) -> None:
        """Start all again, as after a boot."""
        (self.agent_folder / "work/meta/boot_id").write_text("that-of-an-earlier-boot")
        for part in (self.zookeeper, self.master, self.agent):
            bring_up(part)


@pytest.fixture
def site(mesos_installation: Installation, own_zookeeper: Part, tmp_path: Path) -> Iterator[Site]:
    """A cluster whose master has a lasting registry, as in production."""
    master, agent = own_mesos(mesos_installation, tmp_path)
    lasting = {"MESOS_REGISTRY": "replicated_log", "MESOS_LOG_AUTO_INITIALIZE": "true"}
    master = dataclasses.replace(master, environ={**master.environ, **lasting})
    with running((master, agent)):
        yield Site(own_zookeeper, master, agent, tmp_path / "agent/agents/0")


def lose_power(site: Site) -> PreviewRecord:
    """Have a preview run, and stop it while all lose their power; return it as it was."""
    with site.framework() as framework:
        app = AppRecord(name="hello", repository="/srv/hello", mem=64, health="/runs")
        framework.previews.add_app(app)
        before = framework.run(A)
        site.lose_agent()
        framework.previews.command(lambda commands: commands.stop("hello", A))
        framework.wait(A, State.DRAINING)
    site.lose_others()
    return before


def test_a_preview_that_was_being_stopped_has_ended_though_its_process_id_is_in_use(
    site: Site,
) -> None:
    lose_power(site)
    (pid,) = (site.agent_folder / "run/containers").glob("*/pid")
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            pid.write_text(str(other.pid))
            site.boot()
            with site.framework() as framework:
                framework.wait(A, State.STOPPED)
            assert other.poll() is None, "a process of this boot is nobody's executor"
        finally:
            other.kill()


def test_a_preview_starts_again_though_its_agent_comes_back_under_another_id(site: Site) -> None:
    # Its master waits for the old id, ten minutes by default, and answers nothing for its tasks.
    before = lose_power(site)
    (site.agent_folder / "work/meta/slaves/latest").unlink()
    shutil.rmtree(site.agent_folder / "run")
    site.boot()
    with site.framework() as framework:
        framework.previews.command(lambda commands: commands.start("hello", A, "main"))
        # The first time for the kill, which Mesos makes a query, then for the query.
        silence = "Dropping reconciliation of task"
        wait_until(lambda: site.master.log.read_text().count(silence) > 1, "it is not answered")
        framework.ahead += UNANSWERED_SECONDS
        after = framework.wait(A, State.RUNNING)
        assert after.agent_id != before.agent_id
        assert after.task_id != before.task_id
        framework.previews.command(lambda commands: commands.stop("hello", A))
        framework.wait(A, State.STOPPED)
