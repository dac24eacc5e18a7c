"""The output of a real Mesos task, as a viewer of its log sees it."""

import asyncio
import itertools
import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from framework.http_api.models.presenter import Presenter
from framework.http_api.streams.log_stream import LogStream
from framework.http_api.streams.logs import Logs
from framework.logs.sandbox import AgentSandboxes
from framework.ports import LogPart
from prevs import names
from prevs.log_sources import Source
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.commands import SHA, OneCommand
from tests.fakes.previews import FakePreviews
from tests.waits import wait_until

pytestmark = pytest.mark.integration


def test_the_output_of_a_task_is_followed_while_it_grows_and_kept_after_its_end(
    mesos: Any,
) -> None:
    one = OneCommand(mesos.master)
    previews = FakePreviews()
    previews.add_app(AppRecord("hello", "/x"))
    sandboxes = AgentSandboxes(lambda: mesos.master, lambda: one.framework_id)

    async def follow() -> list[str]:
        preview = previews.snapshot.preview("hello", SHA)
        presenter = Presenter(previews, names.addresses("localhost", 80), lambda: None, time.time)
        stream = LogStream(previews, Logs(sandboxes), presenter.show)
        pieces = []
        async for raw in stream.follow(preview, 0):
            name, *_, data = raw.decode().strip().split("\n")
            if name == "event: log":
                pieces.append(json.loads(data.removeprefix("data: ")))
                if "three" in pieces[-1]:
                    previews.change("hello", SHA, state=State.STOPPED)
        return pieces

    command = "for word in one two zwölf three; do echo $word; sleep 0.5; done"
    with one.run(command) as preview:
        previews.known["hello", SHA] = preview
        pieces = asyncio.run(asyncio.wait_for(follow(), 60))
        assert "".join(pieces) == "one\ntwo\nzwölf\nthree\n"
        assert len(pieces) > 1
    assert sandboxes.read(preview, 0)[0].decode() == "one\ntwo\nzwölf\nthree\n"


FLOOD = """
import os
from pathlib import Path
from executor.log.output import Output, open_sources
from prevs.log_sources import Source
output = Output(1, open_sources(Path(os.environ["MESOS_SANDBOX"])))
output.header("building")
line = b"%08d: the application says what it said before\\n"
for number in range(0, 2_000_000, 1000):
    output.write(b"".join(line % each for each in range(number, number + 1000)), Source.STDERR)
output.write(bytes(8192), Source.STDOUT)
output.header("the end")
"""
"""Prints 112 MB."""


def test_the_beginning_and_the_end_of_a_very_long_log_are_read(mesos: Any) -> None:
    one = OneCommand(mesos.master)
    sandboxes = AgentSandboxes(lambda: mesos.master, lambda: one.framework_id)
    root = Path(__file__).parents[3]
    with one.run(shlex.join(["cd", str(root)]) + f"; {sys.executable} -c '{FLOOD}'") as preview:
        wait_until(lambda: sandboxes.tail(preview, 100)[0].endswith(b"== the end ==\n"))
        parts: list[LogPart] = []
        seen = 0
        while (found := sandboxes.read_parts(preview, seen)) and found.parts:
            parts, seen = [*parts, *found.parts], found.end
        text, offset = b"", 0
        while (piece := sandboxes.read(preview, offset))[0]:
            data, offset = piece
            text += data
    assert b"".join(part.data for part in parts) == text
    kinds = [source for source, _ in itertools.groupby(part.source for part in parts)]
    gap, err = Source.NOBODY, Source.STDERR
    assert kinds == [Source.PREVS, err, gap, err, Source.STDOUT, Source.PREVS]
    assert b"".join(part.data for part in parts if part.source is Source.STDOUT) == bytes(8192)
    text = text.replace(bytes(8192), b"")
    offset -= 8192
    lines = text.decode().splitlines()
    assert lines[0] == "== building =="
    assert lines[1].startswith("00000000: ")
    left_out = [line for line in lines if "missing" in line]
    assert len(left_out) == 1
    said = re.fullmatch(r"== ([\d,]+) bytes are missing here: .* ==", left_out[0])
    assert said
    assert len(text) - len(f"\n{left_out[0]}\n") + int(said[1].replace(",", "")) == offset
    assert lines[-3].startswith("01999999: ")
    assert len(text) <= 13 * 1024 * 1024
    assert "\0" not in text.decode()
    assert offset > 100_000_000
