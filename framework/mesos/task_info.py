"""The Mesos TaskInfo (v1 JSON) of a task. No I/O."""

import base64
from collections.abc import Mapping
from typing import Any

from framework.mesos.resources import write_resources
from framework.ports.tasks import Executor, Task
from prevs import names
from prevs.messages import BuildOrder

_SECOND_NANOSECONDS = 1_000_000_000
_CLEAN_UP_SECONDS = 10.0
"""How long an executor may take to remove a container, after the application's grace period."""


_BUNDLE = "prevs-executor.pyz"
_CHECK = """\
import os,sys
sys.argv,given=sys.argv[1:2],sys.argv[2]
home=os.path.join(os.environ.get('PREVS_EXECUTOR_DIR',''),'bundles',given)
if os.path.isabs(home) and os.path.isdir(home):
 sys.path.insert(0,home)
 from executor.bundle import main
 sys.exit(main())
import hashlib,runpy
os.path.exists(sys.argv[0]) or sys.exit(
'executor: it was unpacked here before, is no longer in '+home+', and was not fetched: the next '
'attempt on this agent fetches it')
found=hashlib.sha256(open(sys.argv[0],'rb').read()).hexdigest()
found==given or sys.exit(
'executor: what was fetched is not the bundle: its SHA-256 is '+found+', not '+given)
runpy.run_path(sys.argv[0],run_name='__main__')
"""
"""Runs the fetched file if its SHA-256 is right. Works with any Python 3, to report an old one.

If the file was unpacked there before (executor/bundle.py), the unpacked files run instead, and the
fetched file is not read: reading the archive takes longer than running its content.
"""


def task_info(task: Task) -> dict[str, Any]:
    """Return the TaskInfo of a task."""
    order = task.order
    shown = {"app": order.app, "commit": order.sha, "label": order.label, "url": order.url}
    name = names.task_name(order.app, order.label, order.sha)
    if order.work is not None:
        shown["job"] = order.work.job
        name = f"{name} job {order.work.job}"
    return {
        "name": name,
        "task_id": {"value": task.id},
        "agent_id": {"value": task.agent_id},
        "resources": write_resources(task.resources),
        "executor": _executor(task),
        "data": base64.b64encode(order.encode()).decode(),
        "labels": _labels(shown),
        **({} if order.work else {"discovery": _discovery(order)}),
        "kill_policy": {"grace_period": _duration(order.stop_grace)},
    }


def _executor(task: Task) -> dict[str, Any]:
    order = task.order
    # Mesos refuses the next task of an executor for jobs if anything here has changed.
    of = f"{order.app} {names.short(order.sha)}" if order.work is None else f"jobs of {order.app}"
    return {
        "type": "CUSTOM",
        "executor_id": {"value": task.executor_id},
        "framework_id": {"value": task.framework_id},
        "name": f"prevs executor of {of}",
        "source": order.app,
        "resources": write_resources(task.executor_resources),
        "shutdown_grace_period": _duration(order.stop_grace + _CLEAN_UP_SECONDS),
        "command": _command(task.executor, fetches=task.fetches),
    }


def _command(executor: Executor, *, fetches: bool) -> dict[str, Any]:
    uri = {"value": executor.url, "output_file": _BUNDLE, "cache": True, "extract": False}
    # Only the standard library of the agent's Python: no installed packages, no PYTHON* variables.
    words = [executor.python, "-I", "-S", "-c", _CHECK, _BUNDLE, executor.digest]
    return {
        "shell": False,
        "value": executor.python,
        "arguments": words,
        "uris": [uri] if fetches else [],
    }


def _discovery(order: BuildOrder) -> dict[str, Any]:
    others = [(name, one.host_port) for name, one in order.services.items()]
    return {
        "visibility": "EXTERNAL",
        "name": names.discovery_name(order.label, order.app),
        "version": order.sha,
        "ports": {
            "ports": [
                {"number": port, "name": name, "protocol": "tcp"}
                for name, port in [("http", order.host_port), *others]
            ]
        },
    }


def _labels(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"labels": [{"key": key, "value": value} for key, value in labels.items()]}


def _duration(seconds: float) -> dict[str, int]:
    return {"nanoseconds": int(seconds * _SECOND_NANOSECONDS)}
