"""Reads an attempt from Mesos's TaskInfo."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from executor.attempt.attempt import Attempt
from executor.errors import ExecutorError
from prevs.codec import RecordError
from prevs.messages import BuildOrder


def read_task(task: Mapping[str, Any], cluster: str | None) -> Attempt:
    """Return the attempt of a TaskInfo. Raises ExecutorError if it holds no build order."""
    try:
        order = BuildOrder.decode(base64.b64decode(task["data"], validate=True))
    except (KeyError, binascii.Error, RecordError) as exc:
        raise ExecutorError(
            f"This executor cannot read the task's build order ({exc}). The framework and the "
            "executor may have different versions."
        ) from exc
    agent = str(task.get("agent_id", {}).get("value", ""))
    return Attempt(task_id(task), agent, cluster, order)


def task_id(task: Mapping[str, Any]) -> str:
    """Return the id of a TaskInfo."""
    return str(task["task_id"]["value"])
