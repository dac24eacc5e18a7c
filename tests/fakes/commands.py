"""A framework that runs one shell command on a real Mesos and does nothing else."""

import base64
import contextlib
import shlex
import sys
import zlib
from collections.abc import Iterator

from driver.scheduler import SchedulerDriver
from prevs.records import PreviewRecord
from prevs.states import State
from tests.contract.driver.worlds import framework_info, launch_operation
from tests.fakes.driver_events import RecordedScheduler

SHA = "a" * 40


class OneCommand:
    """Subscribed from the first use of the context to its end; Mesos ends the command then."""

    def __init__(self, master: str) -> None:
        self._events = RecordedScheduler()
        self._driver = SchedulerDriver(self._events, framework_info(), master)
        self.framework_id = ""

    @contextlib.contextmanager
    def run(self, command: str) -> Iterator[PreviewRecord]:
        """Run a command as an executor; give the record of a preview with that attempt."""
        self._driver.start()
        try:
            (self.framework_id,) = self._events.wait("subscribed")
            offer, task_id = self._events.wait("offered")[0][0], f"hello.{SHA}.1"
            shell = {"shell": True, "value": f"PATH=/usr/bin:/bin; {command}"}
            launch = launch_operation(offer, task_id, shell)
            self._driver.accept([offer["id"]["value"]], [launch], refuse_seconds=3600.0)
            agent_id = offer["agent_id"]["value"]
            yield PreviewRecord("hello", SHA, State.RUNNING, task_id=task_id, agent_id=agent_id)
            self._driver.teardown()
        finally:
            self._driver.stop()


def print_bytes(data: bytes) -> str:
    """Return a shell command that prints `data`."""
    packed = base64.b64encode(zlib.compress(data)).decode()
    unpack = f"sys.stdout.buffer.write(zlib.decompress(base64.b64decode('{packed}')))"
    program = f"import base64, sys, zlib; {unpack}"
    return shlex.join([sys.executable, "-c", program])
