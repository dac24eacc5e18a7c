"""The framework as a program: `python -m framework`. Signals, exit codes, and who leads.

It stands by until it leads, and leads until it ends: a program leads at most once. Exit codes: 0
asked to end, 1 a defect, 2 settings, 4 ZooKeeper is away or has ended the session, 5 another
framework writes the records, 6 another one has subscribed; and where an operator has to decide: 3
Mesos refuses this framework, 7 it was removed from Mesos, 8 the root holds something else, or has
lost the framework id, 9 Mesos does not take the credentials, 10 the records are those of frameworks
with other settings. Whatever it is, no task ends with it.
"""

import argparse
import contextlib
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
import uvicorn
from kazoo.client import KazooClient
from prometheus_client import CollectorRegistry

from framework import events, executor_bundle, http_api, reset, settings
from framework import leader as leading
from framework.errors import Fatal, FrameworkError, Unavailable
from framework.executor_bundle import Bundle, BundleError
from framework.leader import Leader
from framework.mesos.master_access import MesosAccess
from framework.metrics import ProgramMetrics
from framework.ports.tasks import Executor
from framework.service import openness
from framework.service.openness import Openness
from framework.settings import Settings
from framework.zookeeper import connection, installation, root_znode
from framework.zookeeper.election import Election
from framework.zookeeper.rights import Rights
from framework.zookeeper.store import ZookeeperStore
from prevs.paths import Paths
from program import logs
from program.health import Check
from program.request_ids import RequestIds
from program.settings import SettingsError

DEFECT, BAD_SETTINGS, NO_ZOOKEEPER = 1, 2, 4
ZOOKEEPER_SECONDS = 30.0
"""How long to wait for ZooKeeper at the start, before the supervisor gets to know."""

OPEN_REQUESTS_SECONDS = 1
"""How long open requests may go on at the end: who follows a log would otherwise hold it up."""

SIGNAL_SECONDS = 1.0
"""After which a signal is seen at the latest: its handler runs in the main thread alone (Python's
`signal`, "Signals and threads"), and what another thread gets does not wake that."""

log = structlog.get_logger("framework")


class Won(NamedTuple):
    """This framework leads now."""

    epoch: int


class Ended(NamedTuple):
    """A signal has come, or a thread has ended that should not."""

    why: str


Told = Won | Ended | FrameworkError
"""What the main thread is told by the others."""


def main() -> int:
    """Run until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m framework", description=__doc__)
    parser.add_argument(
        "--forget",
        choices=reset.THINGS,
        help="remove this from ZooKeeper while no framework runs, say what that means, and end",
    )
    forget = parser.parse_args().forget
    logs.configure()
    try:
        chosen = settings.read(os.environ)
        logs.configure(chosen.log)
        if forget:
            return reset.forget(chosen, forget, ZOOKEEPER_SECONDS)
        return Program(chosen, _bundle(chosen), _listen(chosen)).run()
    except SettingsError as error:
        for problem in error.problems:
            print(f"framework: {problem}", file=sys.stderr)
        return BAD_SETTINGS


class Program:
    """One run: its server answers from the start, as a stand-by until it leads."""

    def __init__(self, chosen: Settings, bundle: Bundle, listener: socket.socket) -> None:
        self._chosen = chosen
        self._bundle = bundle
        self._executor = Executor(
            chosen.api + http_api.executor_path(bundle),
            bundle.digest,
            chosen.executor_python,
            is_unpacked=bundle.is_unpacked,
        )
        self._listener = listener
        self._paths = Paths(chosen.root)
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._inbox: leading.Inbox = queue.SimpleQueue()
        self._client: KazooClient = connection.make_client(
            # Proxies' own records are theirs alone.
            chosen.zookeeper,
            (*chosen.identities(), *chosen.proxy_identities()),
        )
        self._election = Election(self._client, self._paths, chosen.api)
        self._registry = CollectorRegistry()
        self._openness = Openness()
        self._metrics = ProgramMetrics(self._registry, lambda: self._client.connected)
        standby = http_api.Standby(
            self._other_leader,
            self._own_checks,
            vouching=http_api.Vouching(chosen.token(), time.time),
        )
        self._switch = http_api.Switch(standby)
        self._stands = False
        self._leading: Leader | None = None
        self._serving: threading.Thread | None = None

    def run(self) -> int:
        """Stand by, lead, end; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: self._told.put(Ended(signal.Signals(got).name)))
        server = _server(RequestIds(http_api.ExecutorFile(self._reading(), self._bundle)))
        answering = self._thread("http", lambda: server.run(sockets=[self._listener]))
        connection.watch_link(self._client, self._hear_link)
        self._thread("election", self._stand)
        log.info("the framework stands by", api=self._chosen.api, master=self._chosen.master)
        _warn_of_proxies(self._chosen)
        said = self._hear()
        if isinstance(said, Won):
            try:
                self._lead(said.epoch)
                said = self._hear()
            except FrameworkError as error:
                said = error
        code = _read_code(said)
        why = said.why if isinstance(said, Ended) else str(said)
        (log.critical if code else log.info)("the framework ends", why=why, code=code)
        server.should_exit = True
        # Who was told to end by ZooKeeper or Mesos leads no more either: an operator sets something
        # else, and what may change while nobody leads may change then.
        self._end(in_order=code == 0 or isinstance(said, Fatal))
        answering.join(timeout=5)
        return code

    def _reading(self) -> http_api.Readers:
        tokens = self._chosen.readers()
        return http_api.Readers(self._switch, self._registry, tokens, time.monotonic)

    def _hear(self) -> Told:
        """Return what the main thread is told next."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._told.get(timeout=SIGNAL_SECONDS)

    def _stand(self) -> Told:
        """Wait until this framework leads; return that."""
        connection.start(self._client, ZOOKEEPER_SECONDS)
        self._election.watch()
        led = self._election.leader is not None
        root_znode.claim(self._client, self._paths, leading.describe(self._chosen), led=led)
        self._openness.add(openness.ZOOKEEPER, self._find_open)
        self._openness.start()
        # Up to here it ends where ZooKeeper goes away, so it was not ready yet.
        self._stands = True
        return Won(self._election.win())

    def _lead(self, epoch: int) -> None:
        """Read everything, now that nobody else writes, and begin to act on it."""
        # An operator may have changed it since this framework was started.
        root_znode.take_over(self._client, self._paths, leading.describe(self._chosen), epoch)
        rights = self._rights()
        if rights and root_znode.close(self._client, rights):
            log.info("what was open in ZooKeeper is closed", root=self._chosen.root)
        store = ZookeeperStore(self._client, self._paths, epoch, rights)
        lead = leading.build_leader(
            self._chosen,
            store,
            self._inbox,
            self._registry,
            executor=self._executor,
            frameworks=self._election.contenders,
            openness=self._openness.checks,
        )
        if rights and root_znode.grant(self._client, rights):
            log.info("what proxies may do in ZooKeeper is set", root=self._chosen.root)
        door = MesosAccess(
            lambda: lead.cluster.master,
            self._chosen.credential(),
            authority=self._chosen.master_ca_file,
        )
        self._openness.add(openness.MASTER, door.look)
        self._leading = lead
        self._serving = self._thread("service", lead.serve)
        lead.start()
        self._switch.app = lead.app
        self._metrics.leads.set(1)
        log.info("the framework leads", epoch=epoch)

    def _rights(self) -> Rights | None:
        """Return who may do what in ZooKeeper, None where everybody may do everything."""
        identities = self._chosen.identities()
        if not identities:
            return None
        return Rights(self._paths, identities[0], self._chosen.proxy_identities())

    def _end(self, *, in_order: bool) -> None:
        """Stop deciding, then let another one lead: at once, if that is in order."""
        self._openness.stop()
        if self._leading is not None:
            self._leading.stop()
        if self._serving is not None:
            self._serving.join(timeout=15)
        if in_order:
            self._election.resign()
        self._client.stop()
        self._client.close()

    def _hear_link(self, event: events.Event) -> None:
        self._inbox.put(event)
        if isinstance(event, events.Ended):
            self._told.put(event.error)

    def _other_leader(self) -> str | None:
        leader = self._election.leader
        return leader.api if leader and leader.api != self._chosen.api else None

    def _find_open(self) -> str | None:
        """Return what anybody may write in ZooKeeper, as openness.Look."""
        chosen, paths = self._chosen, self._paths
        looked = [paths.root, paths.apps, paths.placements, paths.previews, paths.tokens]
        name = installation.name_master(chosen.master, chosen.zookeeper)
        if name.startswith("zk:///") and not self._client.chroot:
            looked.append(name.removeprefix("zk://"))
        return openness.judge_zookeeper(
            root_znode.find_writable(self._client, looked),
            root=paths.root,
            has_identity=bool(chosen.identities()),
        )

    def _own_checks(self) -> tuple[Check, ...]:
        """Return whether this framework could take over."""
        connected = self._client.connected
        says = "It answers." if connected else str(Unavailable("ZooKeeper"))
        stands = "It stands by." if self._stands else "The framework is starting."
        own = Check("zookeeper", connected, says), Check("standby", self._stands, stands)
        return (*own, *self._openness.checks())

    def _thread(self, name: str, run: Callable[[], Told | None]) -> threading.Thread:
        """Start a thread that tells what `run` returns or raises, or just that it has ended."""

        def guarded() -> None:
            said: Told = Ended(name)
            try:
                said = run() or said
            except FrameworkError as error:
                said = error
            except Exception:
                log.exception("a thread ends by a defect", thread=name)
            self._told.put(said)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread


def _warn_of_proxies(chosen: Settings) -> None:
    if chosen.identities() and not chosen.proxy_identities():
        log.warning(
            "proxies have the frameworks' identity in ZooKeeper, which may change everything there",
            do="make one for them, name its file in PREVS_PROXY_ZOOKEEPER_AUTH_FILE here and in "
            "PREVS_ZOOKEEPER_AUTH_FILE there (docs/operating/upgrade.md)",
        )
    if not chosen.proxy_tokens():
        log.warning(
            "proxies have the operator's token, which is good for everything",
            do="make a token for them, name its file in PREVS_PROXY_TOKEN_FILE here and in "
            "PREVS_TOKEN_FILE there (docs/operating/upgrade.md)",
        )


def _read_code(said: Told) -> int:
    match said:
        case Fatal():
            return said.exit_code
        case Unavailable():
            return NO_ZOOKEEPER
        case Ended(why) if why in signal.Signals.__members__:
            return 0
    return DEFECT


def _server(app: RequestIds) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=OPEN_REQUESTS_SECONDS,
        )
    )


def _bundle(chosen: Settings) -> Bundle:
    given = chosen.executor_bundle
    try:
        return executor_bundle.read(given) if given else executor_bundle.build()
    except BundleError as error:
        raise SettingsError([f"PREVS_EXECUTOR_BUNDLE: {error}"]) from None


def _listen(chosen: Settings) -> socket.socket:
    try:
        listener = socket.create_server((chosen.host, chosen.port))
    except OSError as error:
        raise SettingsError([f"PREVS_LISTEN: {chosen.listen} cannot be used ({error})"]) from None
    # asyncio sets it only for a socket that names its protocol (`_set_nodelay`), which
    # create_server's does not; without it the second answer of a connection takes 40 ms.
    # Connections have it from their listener.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


if __name__ == "__main__":
    sys.exit(main())
