"""A Mesos master with one agent, as far as a scheduler can tell. It runs nothing."""

import threading
import uuid
from collections.abc import Callable

from tests.fakes.mesos_stream import Answer, Call, Json, Stream, StreamServer

FRAMEWORK_ID = "framework-0000"
AGENT_ID = "agent-S0"


class FakeMaster(StreamServer):
    """Offers its agent whenever no offer is open, and reports what happened to each task.

    `heartbeat` is in seconds; with `silent` it promises heartbeats and sends none.
    """

    path = "/api/v1/scheduler"

    def __init__(
        self, port: int = 0, *, heartbeat: float = 15.0, silent: bool = False, offers: bool = True
    ) -> None:
        self._heartbeat = heartbeat
        self._silent = silent
        self._offering = offers
        self._suppressed = False
        self._filtered = False
        self._out: set[str] = set()
        self._tasks: dict[str, Json] = {}
        self.unacknowledged: list[str] = []
        super().__init__(port)

    @property
    def stream(self) -> Stream:
        """The stream of the last subscription."""
        return self.streams[-1]

    def subscribed(self, call: Call, stream: Stream) -> None:
        """Confirm, and offer unless offers of the roles are suppressed."""
        for older in self.streams[:-1]:
            if not older.ended.is_set():
                older.send({"type": "ERROR", "error": {"message": "Framework failed over"}})
                older.end()
        subscribe = call.body["subscribe"]
        self._suppressed = bool(subscribe.get("suppressed_roles"))
        self._filtered = False
        self._out.clear()
        stream.send(
            {
                "type": "SUBSCRIBED",
                "subscribed": {
                    "framework_id": {"value": FRAMEWORK_ID},
                    "heartbeat_interval_seconds": self._heartbeat,
                },
            }
        )
        if not self._silent:
            threading.Thread(target=self._beat, args=(stream,), daemon=True).start()
        self._offer()

    def _beat(self, stream: Stream) -> None:
        while not stream.ended.wait(self._heartbeat):
            stream.send({"type": "HEARTBEAT"})

    def _offer(self) -> None:
        if self._out or self._suppressed or self._filtered or not self._offering:
            return
        offer_id = str(uuid.uuid4())
        self._out.add(offer_id)
        offer = {
            "id": {"value": offer_id},
            "framework_id": {"value": FRAMEWORK_ID},
            "agent_id": {"value": AGENT_ID},
            "hostname": "127.0.0.1",
            "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.0}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 1024.0}},
            ],
        }
        self.stream.send({"type": "OFFERS", "offers": {"offers": [offer]}})

    def called(self, call: Call) -> Answer:
        """Execute a call, if it belongs to the current subscription."""
        if call.headers.get("mesos-stream-id") != self.stream.id:
            return Answer(400, body=b"The stream ID included in this request didn't match")
        doings: dict[str, Callable[[Json], None]] = {
            "ACCEPT": self._accept,
            "DECLINE": self._decline,
            "ACCEPT_INVERSE_OFFERS": lambda _: None,
            "SUPPRESS": lambda _: setattr(self, "_suppressed", True),
            "REVIVE": self._revive,
            "KILL": self._kill,
            "ACKNOWLEDGE": lambda body: self.unacknowledged.remove(body["acknowledge"]["uuid"]),
            "RECONCILE": self._reconcile,
            "TEARDOWN": lambda _: self.stream.end(),
        }
        doings[call.type](call.body)
        return Answer()

    def _accept(self, body: Json) -> None:
        accept = body["accept"]
        known = all(offer["value"] in self._out for offer in accept["offer_ids"])
        for operation in accept["operations"]:
            for task in operation["launch"]["task_infos"]:
                task_id = task["task_id"]["value"]
                if known:
                    self.update(task_id, "TASK_RUNNING")
                else:
                    # As Mesos does: without a look at whether the task runs already.
                    status = {"reason": "REASON_INVALID_OFFERS", **_status(task_id, "TASK_DROPPED")}
                    self.stream.send({"type": "UPDATE", "update": {"status": status}})
        self._out.clear()

    def _decline(self, body: Json) -> None:
        self._out -= {offer["value"] for offer in body["decline"]["offer_ids"]}
        self._filtered = True

    def _revive(self, body: Json) -> None:
        del body
        self._suppressed = self._filtered = False
        self._offer()

    def _kill(self, body: Json) -> None:
        task_id = body["kill"]["task_id"]["value"]
        if task_id in self._tasks:
            self.update(task_id, "TASK_KILLED")
        else:
            self._report(task_id, None)

    def _reconcile(self, body: Json) -> None:
        queried = body["reconcile"]["tasks"]
        for task in queried or [{"task_id": {"value": known}} for known in self._tasks]:
            self._report(task["task_id"]["value"], task.get("agent_id", {}).get("value"))

    def _report(self, task_id: str, agent_id: str | None) -> None:
        known = self._tasks.get(task_id)
        if known is not None:
            status = {name: value for name, value in known.items() if name != "uuid"}
        else:
            status = _status(task_id, "TASK_GONE" if agent_id else "TASK_UNKNOWN")
        status["reason"] = "REASON_RECONCILIATION"
        self.stream.send({"type": "UPDATE", "update": {"status": status}})

    def update(self, task_id: str, state: str) -> None:
        """Send a task's state, with a uuid to acknowledge."""
        status = _status(task_id, state)
        status["uuid"] = str(uuid.uuid4())
        self.unacknowledged.append(status["uuid"])
        self._tasks[task_id] = status
        self.stream.send({"type": "UPDATE", "update": {"status": status}})


def _status(task_id: str, state: str) -> Json:
    return {"task_id": {"value": task_id}, "agent_id": {"value": AGENT_ID}, "state": state}
