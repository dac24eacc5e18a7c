"""The Mesos TaskInfo (v1 JSON) of an attempt, from the records and what matching chose. No I/O."""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from framework.apps import effective_settings
from framework.apps.app_secrets import AppSecrets
from framework.apps.variable_scopes import GivenFor
from framework.matching.match import Launch
from prevs import names
from prevs.commit_settings import CommitSettings
from prevs.messages import BuildOrder
from prevs.names import Addresses
from prevs.records import AppRecord, PreviewRecord

_SECOND_NANOSECONDS = 1_000_000_000
_CLEAN_UP_SECONDS = 10.0
"""What an executor may take, after the application's own grace, to remove a container."""


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
"""Runs a file if it has the SHA-256 that it should have. Any Python 3 can do that, and say so.

Where a file of that SHA-256 was unpacked before (executor/bundle.py), that is run: what was fetched
is not looked at then. It takes longer to read an archive than to run what is in it.
"""


class Executor(NamedTuple):
    """Where agents fetch the executor's bundle, its SHA-256, and the Python there that runs it.

    `is_unpacked` is as in framework.executor_bundle.Bundle.
    """

    url: str
    digest: str
    python: str
    is_unpacked: bool


class Origin(NamedTuple):
    """What is the same for every task of a framework.

    `registry`, the limits (seconds) and `control_plane` are as in BuildOrder.
    """

    framework_id: str
    executor: Executor
    addresses: Addresses
    registry: str = ""
    fetch_limit: float = BuildOrder.fetch_limit
    build_limit: float = BuildOrder.build_limit
    control_plane: tuple[str, ...] = ()


def task_info(
    app: AppRecord,
    preview: PreviewRecord,
    launch: Launch,
    origin: Origin,
    *,
    given: AppSecrets,
    fetches: bool,
) -> dict[str, Any]:
    """Return the TaskInfo of the attempt that `preview` records (its task_id must be set).

    `given` is in its data, which Mesos neither shows nor stores. The agent `fetches` the executor,
    or has it unpacked already.
    """
    order = _order(app, preview, launch, origin, given=given)
    shown = {"app": order.app, "commit": order.sha, "label": order.label, "url": order.url}
    return {
        "name": names.task_name(order.app, order.label, order.sha),
        "task_id": {"value": preview.task_id},
        "agent_id": {"value": launch.agent_id},
        "resources": list(launch.task_resources),
        "executor": _executor(preview, launch, origin, order)
        | {"command": _command(origin.executor, fetches=fetches)},
        "data": base64.b64encode(order.encode()).decode(),
        "labels": _labels(shown),
        "discovery": _discovery(order),
        "kill_policy": {"grace_period": _duration(order.stop_grace)},
    }


def _order(
    app: AppRecord, preview: PreviewRecord, launch: Launch, origin: Origin, *, given: AppSecrets
) -> BuildOrder:
    label = preview.labels[-1] if preview.labels else preview.sha
    wanted = effective_settings.effective(app, preview.settings)
    held = given.for_refs(preview.refs)
    said = preview.settings or CommitSettings()
    return BuildOrder(
        app=app.name,
        sha=preview.sha,
        label=label,
        repository=app.repository,
        container_port=wanted.port,
        host=launch.host,
        host_port=launch.port,
        cpus=launch.demand.cpus,
        mem=launch.demand.mem,
        health=wanted.health,
        url=origin.addresses.url(label, app.name),
        fetch_limit=origin.fetch_limit,
        build_limit=origin.build_limit,
        start_limit=wanted.start_limit,
        folder=app.folder,
        build=said.build,
        run=said.run,
        environment=held.environment,
        secrets=held.secrets,
        build_only=held.only_for(GivenFor.BUILD),
        run_only=held.only_for(GivenFor.RUN),
        withheld=len(given.variables) - len(held.variables),
        credential=given.credential,
        registry=origin.registry,
        digest=preview.digest,
        app_created=app.created,
        control_plane=origin.control_plane,
    )


def _executor(
    preview: PreviewRecord, launch: Launch, origin: Origin, order: BuildOrder
) -> dict[str, Any]:
    return {
        "type": "CUSTOM",
        "executor_id": {"value": preview.task_id},
        "framework_id": {"value": origin.framework_id},
        "name": f"prevs executor of {preview.app} {names.short(preview.sha)}",
        "source": preview.app,
        "resources": list(launch.executor_resources),
        "shutdown_grace_period": _duration(order.stop_grace + _CLEAN_UP_SECONDS),
    }


def _command(executor: Executor, *, fetches: bool) -> dict[str, Any]:
    uri = {"value": executor.url, "output_file": _BUNDLE, "cache": True, "extract": False}
    # Nothing of the agent's Python but its own library: no packages there, no PYTHON* variable.
    words = [executor.python, "-I", "-S", "-c", _CHECK, _BUNDLE, executor.digest]
    return {
        "shell": False,
        "value": executor.python,
        "arguments": words,
        "uris": [uri] if fetches else [],
    }


def _discovery(order: BuildOrder) -> dict[str, Any]:
    return {
        "visibility": "EXTERNAL",
        "name": names.discovery_name(order.label, order.app),
        "version": order.sha,
        "ports": {"ports": [{"number": order.host_port, "name": "http", "protocol": "tcp"}]},
    }


def _labels(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"labels": [{"key": key, "value": value} for key, value in labels.items()]}


def _duration(seconds: float) -> dict[str, int]:
    return {"nanoseconds": int(seconds * _SECOND_NANOSECONDS)}
