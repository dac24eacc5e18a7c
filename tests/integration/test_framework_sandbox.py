"""The output of a real Mesos task, as a viewer of its log sees it."""

import asyncio
import json
import time
from typing import Any

import pytest

from framework.http_api.answers import Presenter
from framework.http_api.log_stream import LogStream
from framework.http_api.logs import Logs
from framework.sandbox import AgentSandboxes
from prevs import names
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.commands import SHA, OneCommand
from tests.fakes.previews import FakePreviews

pytestmark = pytest.mark.integration


def test_the_output_of_a_task_is_followed_while_it_grows_and_kept_after_its_end(
    mesos: Any,
) -> None:
    one = OneCommand(mesos.master)
    previews = FakePreviews()
    previews.add_app(AppRecord("hello", "/x"))
    sandboxes = AgentSandboxes(lambda: mesos.master, lambda: one.framework_id)

    async def follow() -> list[str]:
        preview = previews.preview("hello", SHA)
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
