"""An executor without containers, to prove the framework on a real Mesos: `… standin_executor`.

It reports what a real one would. The order's health path decides what its task does:
/runs, /fails (with a cause), /dies (without a word). So does the command of a job: `ends` succeeds
and waits for another job as ordered, `leaves` succeeds and exits at once, any other runs.
"""

import base64
import os
import queue
import sys
from typing import Any, NoReturn

from driver.errors import DriverError
from driver.executor import ExecutorDriver
from prevs.messages import BuildOrder, TaskReport
from prevs.states import Cause, Phase
from prevs.work import Work


class Inbox:
    """Receives the driver's callbacks."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def registered(
        self,
        executor_info: dict[str, Any],
        framework_info: dict[str, Any],
        agent_info: dict[str, Any],
    ) -> None:
        pass

    def launched(self, task: dict[str, Any]) -> None:
        self.queue.put(("launched", task))

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        self.queue.put(("killed", task_id))

    def message_received(self, data: bytes) -> None:
        self.queue.put(("message_received", data))

    def shutdown(self) -> None:
        self.queue.put(("shutdown", None))

    def lost(self, error: DriverError) -> None:
        self.queue.put(("shutdown", None))


def main() -> None:
    inbox = Inbox()
    driver = ExecutorDriver(inbox, os.environ)
    driver.start()
    task_id = ""
    limit: float | None = None
    while True:
        try:
            what, value = inbox.queue.get(timeout=limit)
        except queue.Empty:
            break
        if what == "launched":
            task_id = value["task_id"]["value"]
            order = BuildOrder.decode(base64.b64decode(value["data"]))
            _begin(driver, task_id, order)
            limit = _work(driver, task_id, order.work) if order.work else None
        if what == "killed":
            _send(driver, task_id, "TASK_KILLING", TaskReport(Phase.RUNNING))
            _send(driver, task_id, "TASK_KILLED", TaskReport(Phase.ENDED))
        if what in ("killed", "shutdown"):
            break
    driver.wait_acknowledged(10)
    driver.stop()


def _begin(driver: ExecutorDriver, task_id: str, order: BuildOrder) -> None:
    print(f"stand-in for {order.url}", flush=True)
    _send(driver, task_id, "TASK_STARTING", TaskReport(Phase.BUILDING))
    if order.health == "/fails":
        _fail(driver, task_id, TaskReport(Phase.ENDED, Cause.BUILD_FAILED, 7), "The build failed.")
    if order.health == "/dies":
        os._exit(1)
    _send(driver, task_id, "TASK_STARTING", TaskReport(Phase.CHECKING))
    _send(driver, task_id, "TASK_RUNNING", TaskReport(Phase.RUNNING), healthy=True)


def _work(driver: ExecutorDriver, task_id: str, work: Work) -> float | None:
    """Return for how long to wait for another task; None while the command of this one runs."""
    if work.command[0] not in ("ends", "leaves"):
        return None
    _send(driver, task_id, "TASK_FINISHED", TaskReport(Phase.ENDED, exit_code=0))
    driver.wait_acknowledged(10)
    return work.linger if work.command[0] == "ends" else 0.0


def _fail(driver: ExecutorDriver, task_id: str, report: TaskReport, message: str) -> NoReturn:
    _send(driver, task_id, "TASK_FAILED", report, message=message)
    driver.wait_acknowledged(10)
    sys.exit()


def _send(
    driver: ExecutorDriver, task_id: str, state: str, report: TaskReport, **more: Any
) -> None:
    data = base64.b64encode(report.encode()).decode()
    driver.send_update({"task_id": {"value": task_id}, "state": state, "data": data, **more})


if __name__ == "__main__":
    main()
