"""executor/mesos.py, and what executor/service.py reads: Mesos's messages, translated once."""

import base64
import queue
from typing import Any

import pytest

from executor.errors import ExecutorError
from executor.mesos import (
    Event,
    Killed,
    Launched,
    Lost,
    MesosEvents,
    MessageReceived,
    Registered,
    ShutDown,
)
from executor.service import read_task
from tests.unit.executor.attempt.test_attempt import ATTEMPT, ORDER


def task(data: str) -> dict[str, Any]:
    return {
        "name": "hello@main (5c80e7d)",
        "task_id": {"value": ATTEMPT.task_id},
        "agent_id": {"value": "agent-1"},
        "data": data,
    }


def test_a_task_is_an_attempt() -> None:
    data = base64.b64encode(ORDER.encode()).decode()
    assert read_task(task(data), "c1") == ATTEMPT


@pytest.mark.parametrize("data", ["", "%%%", base64.b64encode(b'{"v":99}').decode()])
def test_a_task_without_an_order_is_refused_with_a_reason(data: str) -> None:
    with pytest.raises(ExecutorError, match="different versions"):
        read_task(task(data), None)


def test_a_task_without_data_is_refused_with_a_reason() -> None:
    with pytest.raises(ExecutorError, match="build order"):
        read_task({"task_id": {"value": "x"}}, None)


def test_callbacks_only_enqueue() -> None:
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    events = MesosEvents(inbox)
    ports = {"name": "ports", "ranges": {"range": [{"begin": 31000, "end": 31999}]}}
    events.registered({}, {}, {"resources": [{"name": "cpus"}, ports]})
    events.message_received(b"news")
    events.launched({"task_id": {"value": "t"}})
    events.killed("t", 3.0)
    events.shutdown()
    events.lost(ValueError("gone"))
    assert [inbox.get_nowait() for _ in range(inbox.qsize())] == [
        Registered([(31000, 31999)]),
        MessageReceived(b"news"),
        Launched({"task_id": {"value": "t"}}),
        Killed("t", 3.0),
        ShutDown(),
        Lost("gone"),
    ]
