"""A minimal framework for one task, and an executor that outlives its agent."""

import getpass
import http.client
import json
from collections.abc import Mapping
from typing import Any

import requests

EXECUTOR = """
import http.client, json, os, signal, time, urllib.request
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ids = {"framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
       "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]}}
had = {"unacknowledged_tasks": [], "unacknowledged_updates": []}
endpoint = os.environ["MESOS_SLAVE_PID"].split("@")[1]
def subscribe():
    call = json.dumps({**ids, "type": "SUBSCRIBE", "subscribe": had}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    url = f"http://{endpoint}/api/v1/executor"
    return urllib.request.urlopen(urllib.request.Request(url, call, headers))
ended = False
while not ended:
    try:
        with subscribe() as events:
            while not ended and (size := events.readline()):
                event = json.loads(events.read(int(size)))
                file = Path(event["type"].lower())
                Path("new").write_text(json.dumps(dict(os.environ)))
                Path("new").rename(file)
                ended = event["type"] == "SHUTDOWN"
                if event["type"] == "LAUNCH":
                    had["unacknowledged_tasks"] = [event["launch"]["task"]]
    except (OSError, http.client.HTTPException):
        time.sleep(0.1)
"""


class Scheduler:
    """A minimal framework for one task."""

    def __init__(self, master: str, framework: str | None = None) -> None:
        self._url = f"http://{master}/api/v1/scheduler"
        self._connection = http.client.HTTPConnection(master, timeout=60)
        info: dict[str, Any] = {
            "user": getpass.getuser(),
            "name": "test",
            "roles": ["test"],
            "capabilities": [{"type": "MULTI_ROLE"}],
            "checkpoint": True,
            "failover_timeout": 60,
        }
        call: dict[str, Any] = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        if framework is not None:
            info["id"] = call["framework_id"] = {"value": framework}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._connection.request("POST", "/api/v1/scheduler", json.dumps(call), headers)
        self._events = self._connection.getresponse()
        assert self._events.status == 200
        self._stream = self._events.headers["Mesos-Stream-Id"]
        self.framework = self.next("SUBSCRIBED")["framework_id"]["value"]

    def next(self, kind: str) -> Mapping[str, Any]:
        while True:
            size = self._events.readline()
            assert size, "the master closed the stream"
            event = json.loads(self._events.read(int(size)))
            assert event["type"] != "ERROR", event
            if event["type"] == kind:
                found: Mapping[str, Any] = event.get(kind.lower(), {})
                return found

    def launch(self, executor: str, command: Mapping[str, Any]) -> None:
        """Launch a task on the only agent."""
        [offer] = self.next("OFFERS")["offers"]
        scalar = [("cpus", 0.1), ("mem", 32)]
        resources = [{"name": n, "type": "SCALAR", "scalar": {"value": v}} for n, v in scalar]
        task = {
            "name": "test",
            "task_id": {"value": executor},
            "agent_id": offer["agent_id"],
            "resources": self._allocated(resources),
            "executor": {
                "type": "CUSTOM",
                "executor_id": {"value": executor},
                "framework_id": {"value": self.framework},
                "command": command,
            },
        }
        operation = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
        accept = {"offer_ids": [offer["id"]], "operations": [operation]}
        self._call({"type": "ACCEPT", "accept": accept})

    def reconcile(self, task: str, agent: str) -> None:
        """Request the state of a task."""
        known = {"task_id": {"value": task}, "agent_id": {"value": agent}}
        self._call({"type": "RECONCILE", "reconcile": {"tasks": [known]}})

    @staticmethod
    def _allocated(resources: list[Any]) -> list[Any]:
        return [{**r, "allocation_info": {"role": "test"}} for r in resources]

    def _call(self, call: Mapping[str, Any]) -> None:
        answer = requests.post(
            self._url,
            json={"framework_id": {"value": self.framework}, **call},
            headers={"Mesos-Stream-Id": self._stream},
            timeout=60,
        )
        assert answer.status_code == 202, answer.text

    def end(self) -> None:
        self._call({"type": "TEARDOWN"})
        self._connection.close()
