"""The executor as a process of its own, started by an agent in memory: it can be killed."""

import base64
import dataclasses
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from executor.workspace.work_folder import WorkFolder
from local.parts import processes
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from tests.fakes.mesos_agent import FakeAgent
from tests.waits import describe_end, wait_until

ROOT = Path(__file__).parents[2]
CLUSTER = f"executor-process-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each removes its network at the end."""
_LIMIT = 60.0
_ENDS = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")


class ExecutorProcess:
    """An executor in `folder`, with a work folder `work` that others may share.

    `command` runs a bundle; without one it is `python -m executor`, of the files here.
    """

    def __init__(
        self, folder: Path, work: Path, host: str, *, command: Sequence[str] = (), **environ: str
    ) -> None:
        self.agent = FakeAgent()
        self.folder = WorkFolder(work)
        self.work = work
        self.task_id = ""
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        self._environ = {
            **os.environ,
            **self.agent.environ(
                PREVS_EXECUTOR_DIR=str(work),
                PREVS_CLUSTER=CLUSTER,
                DOCKER_HOST=host,
            ),
            **({} if command else {"PYTHONPATH": str(ROOT)}),
            **environ,
        }
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                command or [sys.executable, "-m", "executor"],
                cwd=folder,
                env=self._environ,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        wait_until(
            lambda: self.agent.streams,
            "the executor subscribes",
            over=lambda: describe_end(self.process, self.stderr),
            seconds=_LIMIT,
        )

    def launch(self, order: BuildOrder, attempt: str = "a") -> None:
        """Let it run a task."""
        self.task_id = names.task_id(order.app, order.sha, attempt)
        self.agent.launch(
            {
                "name": "task",
                "task_id": {"value": self.task_id},
                "agent_id": {"value": "agent-1"},
                "data": base64.b64encode(order.encode()).decode(),
            }
        )

    def wait_for(self, state: str) -> Mapping[str, object]:
        """Return the status with that state when it has come."""
        wait_until(
            lambda: state in self.agent.states(),
            f"{state} comes",
            over=lambda: self._end(state),
            instead=lambda: f"{self.read_stderr()}\n{self.agent.statuses}",
            seconds=_LIMIT,
        )
        return self.agent.statuses[self.agent.states().index(state)]

    def _end(self, awaited: str) -> str | None:
        """Return how its task has ended, unless that is the expected end."""
        ends = [status for status in self.agent.statuses if status["state"] in _ENDS]
        is_another = bool(ends) and ends[-1]["state"] != awaited
        return f"its task has ended: {ends[-1]}\n{self.read_stderr()}" if is_another else None

    def report(self) -> TaskReport:
        """Return the report in the last status."""
        report = TaskReport.decode(base64.b64decode(self.agent.statuses[-1]["data"]))
        return dataclasses.replace(report, isolation=None)

    def read_stderr(self) -> str:
        """Return its standard error, the watchdog's too."""
        return self.stderr.read_text()

    def kill(self, *, group: bool = False) -> None:
        """Kill it, or its process group, by SIGKILL."""
        if group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()

    def wait(self) -> int:
        """Return its exit code when it has ended."""
        return self.process.wait(_LIMIT)

    def family(self) -> list[processes.Identity]:
        """Return it, its watchdog and all that they started."""
        return processes.having("PREVS_EXECUTOR_DIR", str(self.work))

    def wait_gone(self) -> None:
        """Return when nothing of it runs any more."""
        wait_until(lambda: self.family() == [], seconds=_LIMIT)

    def clear(self) -> None:
        """End all that is left of it."""
        processes.end(self.family(), 0)
        self.process.wait()
        self.agent.close()
