"""What the executor writes around a command's output, and the client keeps off stdout."""

import os
from pathlib import Path

import pytest

from executor.log.output import Output
from executor.ports import Left
from prevs.log_split import LogSplit
from tests.fakes.containers import App
from tests.unit.executor.attempt.test_work import DONE, JobWorld

pytestmark = pytest.mark.contract

OUTPUT = "== mine ==\nthe end\n"


@pytest.mark.parametrize("is_late", [True, False])
def test_the_client_tells_each_line_of_the_executor_from_the_output(
    tmp_path: Path, *, is_late: bool
) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"", artifacts=1000, left_out=3)))
    if not is_late:
        world.end_at(50.0, DONE)
    world.run()
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY)
    writer = Output(descriptor)
    writer.header("building hello")
    for header in world.log.headers:
        writer.header(header)
        if header.startswith("running"):
            writer.write(OUTPUT.encode())
    os.close(descriptor)
    split = LogSplit()
    parts = split.feed(log.read_text(), None, runs=True)
    assert parts.output + split.finish().output == OUTPUT
    assert len(world.log.headers) == 3 + is_late
    assert parts.around.count("\n") == len(world.log.headers)
