"""A program: an executor that does nothing, and says that it does. Mesos starts it in tests."""

import os
import queue
from typing import Any

from driver.errors import DriverError
from driver.executor import ExecutorDriver


class Inbox:
    """ExecutorEvents as a queue of what the main thread has to do."""

    def __init__(self) -> None:
        self.todo: queue.Queue[tuple[str, str]] = queue.Queue()

    def registered(self, executor_info: Any, framework_info: Any, agent_info: Any) -> None:
        """Do nothing."""

    def launched(self, task: dict[str, Any]) -> None:
        """Say that it runs."""
        self.todo.put(("TASK_RUNNING", task["task_id"]["value"]))

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        """Say that it has ended, then end."""
        self.todo.put(("TASK_KILLED", task_id))

    def shutdown(self) -> None:
        """End."""
        self.todo.put(("", ""))

    def lost(self, error: DriverError) -> None:
        """End."""
        self.todo.put(("", ""))


def main() -> None:
    """Run until the task is killed."""
    inbox = Inbox()
    driver = ExecutorDriver(inbox, os.environ)
    driver.start()
    state, task_id = inbox.todo.get()
    while state:
        driver.send_update({"task_id": {"value": task_id}, "state": state})
        if state == "TASK_KILLED":
            driver.wait_acknowledged(10)
            break
        state, task_id = inbox.todo.get()
    driver.stop()


if __name__ == "__main__":
    main()
