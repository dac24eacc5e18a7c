"""A framework that runs one shell command on a real Mesos and does nothing else."""

import base64
import contextlib
import json
import shlex
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from prevs.records import PreviewRecord
from prevs.states import State

SHA = "a" * 40


class OneCommand:
    """Subscribed from the first use of the context to its end; Mesos ends the command then."""

    def __init__(self, master: str) -> None:
        self._url = f"http://{master}/api/v1/scheduler"
        self._headers = {"Accept": "application/json"}
        self.framework_id = ""

    @contextlib.contextmanager
    def run(self, command: str) -> Iterator[PreviewRecord]:
        """Run a command as an executor; give the record of a preview with that attempt."""
        subscribe = {"framework_info": {"user": "root", "name": "one command"}}
        with requests.post(
            self._url,
            json={"type": "SUBSCRIBE", "subscribe": subscribe},
            headers=self._headers,
            stream=True,
            timeout=30,
        ) as stream:
            stream.raise_for_status()
            self._headers["Mesos-Stream-Id"] = stream.headers["Mesos-Stream-Id"]
            events = read_records(stream)
            subscribed = next(event for event in events if event["type"] == "SUBSCRIBED")
            self.framework_id = subscribed["subscribed"]["framework_id"]["value"]
            offers = next(event for event in events if event["type"] == "OFFERS")
            offer = offers["offers"]["offers"][0]
            yield self._accept(offer, command)
            self._call({"type": "TEARDOWN"})

    def _accept(self, offer: Mapping[str, Any], command: str) -> PreviewRecord:
        resources = [
            {"name": name, "type": "SCALAR", "scalar": {"value": value}}
            for name, value in (("cpus", 0.01), ("mem", 32))
        ]
        task_id = f"hello.{SHA}.1"
        executor = {
            "executor_id": {"value": task_id},
            "framework_id": {"value": self.framework_id},
            "command": {"shell": True, "value": f"PATH=/usr/bin:/bin; {command}"},
            "resources": resources,
        }
        task = {
            "name": "one command",
            "task_id": {"value": task_id},
            "agent_id": offer["agent_id"],
            "resources": resources,
            "executor": executor,
        }
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
        accept = {"offer_ids": [offer["id"]], "operations": [launch]}
        self._call({"type": "ACCEPT", "accept": accept})
        agent_id = offer["agent_id"]["value"]
        return PreviewRecord("hello", SHA, State.RUNNING, task_id=task_id, agent_id=agent_id)

    def _call(self, call: Mapping[str, Any]) -> None:
        body = {"framework_id": {"value": self.framework_id}, **call}
        requests.post(self._url, json=body, headers=self._headers, timeout=60).raise_for_status()


def print_bytes(data: bytes) -> str:
    """Return a shell command that prints `data`."""
    packed = base64.b64encode(zlib.compress(data)).decode()
    unpack = f"sys.stdout.buffer.write(zlib.decompress(base64.b64decode('{packed}')))"
    program = f"import base64, sys, zlib; {unpack}"
    return shlex.join([sys.executable, "-c", program])


def read_records(stream: requests.Response) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a Mesos stream: a length, a line break, that many bytes of JSON."""
    while True:
        length = b""
        while not length.endswith(b"\n"):
            byte = stream.raw.read(1)
            if not byte:
                return
            length += byte
        yield json.loads(stream.raw.read(int(length)))
