"""A framework that runs one shell command on a real Mesos and does nothing else."""

import base64
import contextlib
import shlex
import sys
import zlib
from collections.abc import Iterator, Mapping

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
    return _run_python(f"import sys; sys.stdout.buffer.write({_unpacked(data)})")


def write_files(files: Mapping[str, bytes]) -> str:
    """Return a shell command that writes files, whose paths begin where it runs."""
    lines = ["import pathlib"]
    for path, data in files.items():
        lines += [
            f"path = pathlib.Path({path!r})",
            "path.parent.mkdir(parents=True, exist_ok=True)",
            f"path.write_bytes({_unpacked(data)})",
        ]
    return _run_python("; ".join(lines))


def _unpacked(data: bytes) -> str:
    """Return an expression of `data`, short enough for a command."""
    packed = base64.b64encode(zlib.compress(data)).decode()
    return f"__import__('zlib').decompress(__import__('base64').b64decode('{packed}'))"


def _run_python(program: str) -> str:
    return shlex.join([sys.executable, "-X", "utf8", "-c", program])
