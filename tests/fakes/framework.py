"""A framework in this process, on a real ZooKeeper and Mesos, whose executor only reports."""

import atexit
import functools
import os
import queue
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import requests
from kazoo.client import KazooClient
from prometheus_client import CollectorRegistry

from framework import events
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.matching.limits import Limits
from framework.matching.roles import Roles
from framework.mesos import scheduler
from framework.metrics import Metrics
from framework.ports.tasks import Executor
from framework.scheduling.launches import LaunchTerms, next_attempt
from framework.service.jobs.job_service import Jobs
from framework.service.parts import Edges, build_parts
from framework.service.service import Service
from framework.service.service_client import ServiceClient
from framework.state.records import Records
from framework.vault import Keyring
from framework.zookeeper.connection import connect, watch_link
from framework.zookeeper.election import Election
from framework.zookeeper.store import ZookeeperStore
from prevs import names
from prevs.paths import Paths
from prevs.records import PlacementsRecord, PreviewRecord
from prevs.states import State
from tests.fakes.manifests import no_lead, no_settings
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.standin_bundle import standin_executor
from tests.waits import describe_record, wait_for

ROOT = Path(__file__).parents[2]


class Framework:
    """A framework in this process, with a ZooKeeper session of its own.

    Its clock is `ahead` by some seconds: add to it rather than wait. `stop_clock` has it stand
    still, so that nothing comes of itself.
    """

    def __init__(
        self,
        master: str,
        zookeeper: str,
        paths: Paths,
        *,
        roles: Roles = Roles("prevs"),  # noqa: B008 - a value
        revocable: bool = False,
    ) -> None:
        self._paths = paths
        self.ahead = 0.0
        self._now, self._monotonic = time.time, time.monotonic
        clock = Clock(lambda: self._now() + self.ahead, lambda: self._monotonic() + self.ahead)
        inbox: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._inbox = inbox
        self._client: KazooClient = connect(zookeeper, 15)
        watch_link(self._client, inbox.put)
        store = ZookeeperStore(self._client, paths, Election(self._client, paths, "").win())
        stored = store.load()
        info = _framework_info(roles, revocable=revocable)
        self.mesos = scheduler.MesosCluster(
            scheduler.Inbox(inbox.put),
            info,
            master,
            framework_id=stored.framework_id,
            credential=None,
        )
        edges = Edges(
            self.mesos,
            forget_mirror=lambda app: inbox.put(events.MirrorRemoved(app)),
            read_settings=lambda app, sha, _: inbox.put(no_settings(app, sha)),
            find_lead=lambda app, label: inbox.put(no_lead(app, label)),
        )
        terms = LaunchTerms(
            Origin("", _executor(), names.addresses("localhost", 8080)),
            Limits(),
            ControlPlane(),
            functools.partial(next_attempt, secrets.choice),
            roles,
        )
        parts = build_parts(
            Records(stored, store, clock, Keyring(()), keys=(SIGNING_KEY,)),
            edges,
            terms,
            clock=clock,
            metrics=Metrics(CollectorRegistry()),
        )
        self.service = Service(parts, inbox, leader_token=secrets.token_hex(4))
        self.previews = ServiceClient(self.service)
        self.jobs = Jobs(self.service)
        self._thread = threading.Thread(target=self.service.run, daemon=True)
        self._thread.start()
        self.mesos.start()

    def stop_clock(self) -> None:
        """Stop the clock; only `ahead` moves it."""
        now, monotonic = time.time(), time.monotonic()
        self._now, self._monotonic = lambda: now, lambda: monotonic

    def kill(self) -> None:
        """End as a killed process does: without any message."""
        self.mesos.stop()
        self._inbox.put(events.Stop())
        self._thread.join(60)
        self._client.stop()
        self._client.close()

    def remove(self, master: str) -> None:
        """End, and have Mesos end all of its tasks."""
        self.kill()
        data = {"frameworkId": self.service.framework_id}
        requests.post(f"http://{master}/teardown", data=data, timeout=60).raise_for_status()

    def run(self, sha: str, label: str = "main") -> PreviewRecord:
        """Have a preview of the app hello run."""
        self.previews.command(lambda commands: commands.start("hello", sha, label))
        return self.wait(sha, State.RUNNING)

    def placed(self, app: str) -> PlacementsRecord:
        """Return the placements of an app, as they are stored."""
        return PlacementsRecord.decode(self._client.get(self._paths.app_placements(app))[0])

    def wait(self, sha: str, *states: State, app: str = "hello") -> PreviewRecord:
        """Wait until a preview is in one of some states; fail as soon as it has failed instead."""
        return wait_for(
            lambda: self.previews.snapshot.preview(app, sha),
            lambda preview: preview.state in states,
            f"{sha[:7]} is {' or '.join(state.value for state in states)}",
            over=describe_record,
        )

    def wait_reason(self, sha: str, text: str, app: str = "hello") -> PreviewRecord:
        """Wait until a preview's reason has a text in it."""
        return wait_for(
            lambda: self.previews.snapshot.preview(app, sha),
            lambda preview: text in preview.reason,
            f"the reason of {sha[:7]} has {text!r} in it",
        )


def _framework_info(roles: Roles, *, revocable: bool) -> dict[str, Any]:
    return scheduler.framework_info(
        name="test",
        roles=roles.names,
        user=os.environ.get("USER", "root"),
        hostname="localhost",
        webui_url="",
        principal=None,
        revocable=revocable,
    )


@functools.cache
def _executor() -> Executor:
    """Return the stand-in; its file is there for as long as this process."""
    folder = tempfile.mkdtemp(prefix="prevs-standin-")
    atexit.register(shutil.rmtree, folder)
    return standin_executor(Path(folder))
