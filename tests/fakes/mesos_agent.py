"""A Mesos agent as one executor sees it. It acknowledges updates by default."""

from typing import Any

from tests.fakes.mesos_stream import Answer, Call, Json, Stream, StreamServer

FRAMEWORK_ID = "framework-0000"
EXECUTOR_ID = "executor-1"


class FakeAgent(StreamServer):
    """`statuses` are the updates that reached it, each once by its uuid, in order."""

    path = "/api/v1/executor"

    def __init__(self, port: int = 0, *, acknowledges: bool = True) -> None:
        self._acknowledges = acknowledges
        self.statuses: list[Json] = []
        super().__init__(port)

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment that it would give to its executor."""
        return {
            "MESOS_AGENT_ENDPOINT": self.address,
            "MESOS_FRAMEWORK_ID": FRAMEWORK_ID,
            "MESOS_EXECUTOR_ID": EXECUTOR_ID,
            "MESOS_CHECKPOINT": "1",
            "MESOS_RECOVERY_TIMEOUT": "15mins",
            "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs",
            **more,
        }

    @property
    def stream(self) -> Stream:
        """The stream of the last subscription."""
        return self.streams[-1]

    def states(self) -> list[str]:
        """Return the states of the updates that reached it."""
        return [status["state"] for status in self.statuses]

    def launch(self, task: Json) -> None:
        """Let the executor run a task."""
        self.stream.send({"type": "LAUNCH", "launch": {"task": task}})

    def kill(self, task_id: str, grace_nanoseconds: int | None) -> None:
        """Let the executor end a task."""
        kill: dict[str, Any] = {"task_id": {"value": task_id}}
        if grace_nanoseconds is not None:
            kill["kill_policy"] = {"grace_period": {"nanoseconds": grace_nanoseconds}}
        self.stream.send({"type": "KILL", "kill": kill})

    def shutdown(self) -> None:
        """Let the executor end everything."""
        self.stream.send({"type": "SHUTDOWN"})

    def subscribed(self, call: Call, stream: Stream) -> None:
        """Confirm, and accept the updates in the subscription."""
        stream.send(
            {
                "type": "SUBSCRIBED",
                "subscribed": {
                    "executor_info": {"executor_id": {"value": EXECUTOR_ID}},
                    "framework_info": {"id": {"value": FRAMEWORK_ID}, "name": "fake"},
                    "agent_info": {"hostname": "127.0.0.1"},
                },
            }
        )
        for update in call.body["subscribe"]["unacknowledged_updates"]:
            self._take(update["status"])

    def called(self, call: Call) -> Answer:
        """Take an update."""
        if call.type == "UPDATE":
            self._take(call.body["update"]["status"])
        return Answer()

    def _take(self, status: Json) -> None:
        with self.changed:
            if status["uuid"] not in [known["uuid"] for known in self.statuses]:
                self.statuses.append(status)
            self.changed.notify_all()
        if self._acknowledges:
            self.acknowledge(status)

    def acknowledge(self, status: Json) -> None:
        """Let the executor forget an update."""
        acknowledged = {"task_id": status["task_id"], "uuid": status["uuid"]}
        self.stream.send({"type": "ACKNOWLEDGED", "acknowledged": acknowledged})
