"""The framework as a program: `python -m framework`. Signals, exit codes, and who leads.

It stands by until it leads, and leads until it ends: a program leads at most once. Exit codes: 0
ended by a signal, 1 a defect, 2 wrong settings, 4 ZooKeeper is away or has ended the session, 5
another framework writes the records, 6 another framework has subscribed. An operator has to decide
after these: 3 Mesos refuses this framework, 7 it was removed from Mesos, 8 the root holds something
else or has lost the framework id, 9 Mesos does not accept the credentials, 10 the records belong to
frameworks with other settings. Tasks keep running in every case.
"""

import argparse
import contextlib
import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

if __name__ == "__main__":
    # Until all is imported: it would find nothing, and takes a sixth of the time.
    gc.disable()

import structlog
import uvicorn
from kazoo.client import KazooClient
from prometheus_client import CollectorRegistry

from framework import events, executor_bundle, http_api, leader, settings
from framework.errors import Fatal, FrameworkError, OtherSettings, Unavailable
from framework.executor_bundle import Bundle, BundleError
from framework.leader import Leader
from framework.mesos.master_access import MesosAccess
from framework.metrics import ProgramMetrics
from framework.ports.tasks import Executor
from framework.service import exposure
from framework.service.exposure import Exposure
from framework.settings import Settings
from framework.upkeep import backup, reset
from framework.zookeeper import connection, installation, root_znode
from framework.zookeeper.election import Election
from framework.zookeeper.rights import Rights
from framework.zookeeper.store import ZookeeperStore
from prevs.paths import Paths
from program.http.bounded_connections import choose_bounds, make_protocol
from program.http.health import Check
from program.http.request_ids import RequestIds
from program.logs import log_output
from program.settings.environment import SettingsError

DEFECT, BAD_SETTINGS, NO_ZOOKEEPER = 1, 2, 4
ZOOKEEPER_SECONDS = 30.0
"""How long to wait for ZooKeeper at the start, before the program ends with an error."""

DEAD_LEADER_SECONDS = 1.5 * connection.SESSION_SECONDS
"""After so long, the session of a framework that was killed has ended."""

OPEN_REQUESTS_SECONDS = 1
"""How long open requests may continue at the end: a client that follows a log never ends."""

SIGNAL_SECONDS = 1.0
"""How soon a signal is noticed at the latest. Python runs signal handlers only in the main thread
(`signal`, "Signals and threads"); a signal that another thread receives does not wake it."""

log = structlog.get_logger("framework")


class Won(NamedTuple):
    """This framework leads now."""

    epoch: int


class Ended(NamedTuple):
    """A signal has come, or a thread has ended that should not."""

    why: str


Notice = Won | Ended | FrameworkError
"""What other threads report to the main thread."""


def main() -> int:
    """Run until the program has to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m framework", description=__doc__)
    parser.add_argument(
        "--forget",
        choices=reset.THINGS,
        help="remove this from ZooKeeper while no framework runs, print what that means, and end",
    )
    backup.add_arguments(parser)
    given = parser.parse_args()
    forget = given.forget
    log_output.configure()
    try:
        if given.restore:
            return backup.restore(os.environ, backup.read_order(given), ZOOKEEPER_SECONDS)
        chosen = settings.read(os.environ)
        log_output.configure(chosen.log)
        if given.backup:
            return backup.make(chosen, backup.read_order(given), ZOOKEEPER_SECONDS)
        if forget:
            return reset.forget(chosen, forget, ZOOKEEPER_SECONDS)
        return Program(chosen, _bundle(chosen), _listen(chosen)).run()
    except SettingsError as error:
        for problem in error.problems:
            print(f"framework: {problem}", file=sys.stderr)
        return BAD_SETTINGS


class Program:
    """One run. Its server answers from the start, as a standby until the framework leads."""

    def __init__(self, chosen: Settings, bundle: Bundle, listener: socket.socket) -> None:
        self._chosen = chosen
        self._bundle = bundle
        self._listener = listener
        self._paths = Paths(chosen.root)
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._client: KazooClient = connection.make_client(
            # Proxies' own records are theirs alone.
            chosen.zookeeper,
            (*chosen.identities(), *chosen.proxy_identities()),
        )
        self._election = Election(self._client, self._paths, chosen.api)
        self._exposure = Exposure()
        self._shared = leader.Shared(
            queue.SimpleQueue(),
            CollectorRegistry(),
            _executor(chosen, bundle),
            self._election.contenders,
            self._exposure.checks,
        )
        self._metrics = ProgramMetrics(self._shared.registry, lambda: self._client.connected)
        standby = http_api.Standby(
            self._other_leader,
            self._own_checks,
            signature=http_api.ClientSignature(chosen.token(), time.time),
        )
        self._switch = http_api.Switch(standby)
        self._stands_by = False
        self._leader: Leader | None = None
        self._serving: threading.Thread | None = None

    def run(self) -> int:
        """Stand by, lead, end; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: self._notices.put(Ended(signal.Signals(got).name)))
        server = _server(
            RequestIds(http_api.ExecutorFile(self._readers(), self._bundle)),
            believes_local=not self._chosen.proxies_in_front(),
        )
        http_thread = self._thread("http", lambda: server.run(sockets=[self._listener]))
        connection.watch_link(self._client, self._handle_link)
        self._thread("election", self._wait_to_lead)
        log.info("the framework stands by", api=self._chosen.api, master=self._chosen.master)
        _warn_of_proxies(self._chosen)
        notice = self._next_notice()
        if isinstance(notice, Won):
            try:
                self._lead(notice.epoch)
                notice = self._next_notice()
            except FrameworkError as error:
                notice = error
        code = _read_code(notice)
        why = notice.why if isinstance(notice, Ended) else str(notice)
        (log.critical if code else log.info)("the framework ends", why=why, code=code)
        server.should_exit = True
        # After a fatal error this framework does not lead either: an operator may then change
        # settings that may change only while nobody leads.
        self._end(in_order=code == 0 or isinstance(notice, Fatal))
        http_thread.join(timeout=5)
        return code

    def _readers(self) -> http_api.MetricsAccess:
        tokens = self._chosen.readers()
        return http_api.MetricsAccess(self._switch, self._shared.registry, tokens, time.monotonic)

    def _next_notice(self) -> Notice:
        """Return the next notice to the main thread."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._notices.get(timeout=SIGNAL_SECONDS)

    def _wait_to_lead(self) -> Notice:
        """Wait until this framework leads; return that."""
        connection.start(self._client, ZOOKEEPER_SECONDS)
        self._election.watch()
        self._claim()
        self._exposure.add(exposure.ZOOKEEPER, self._find_open)
        self._exposure.start()
        # Only now: up to here the program ends if ZooKeeper goes away.
        self._stands_by = True
        return Won(self._election.win())

    def _claim(self) -> None:
        """Check that the root is ours, as root_znode.claim does.

        With settings that may change while nobody leads, it waits until a leader that may be dead
        has lost its session. Only the lock shows whether one lives: its record outlives it.
        """
        ours = leader.describe(self._chosen)
        root_znode.claim(self._client, self._paths, ours, led=False)
        patience = time.monotonic() + DEAD_LEADER_SECONDS
        while True:
            led = bool(self._election.contenders())
            try:
                return root_znode.claim(self._client, self._paths, ours, led=led)
            except OtherSettings:
                if not led or time.monotonic() > patience:
                    raise
            time.sleep(DEAD_LEADER_SECONDS / 20)

    def _lead(self, epoch: int) -> None:
        """Read all records, now that nobody else writes them, and begin to act on them."""
        rights = self._rights()
        store = self._take_over(epoch, rights)
        after_stop = self._election.follows_a_stop
        parts = leader.build_leader(self._chosen, store, self._shared, after_stop=after_stop)
        if rights and root_znode.grant(self._client, rights):
            log.info("the rights of proxies in ZooKeeper are set", root=self._chosen.root)
        access = MesosAccess(
            lambda: parts.cluster.master,
            self._chosen.credential(),
            authority=self._chosen.master_ca_file,
        )
        self._exposure.add(exposure.MASTER, access.look)
        self._leader = parts
        self._serving = self._thread("service", parts.serve)
        parts.start()
        self._switch.app = parts.app
        self._metrics.leads.set(1)
        log.info("the framework leads", epoch=epoch)

    def _take_over(self, epoch: int, rights: Rights | None) -> ZookeeperStore:
        """Return the store of the records, which are closed to strangers if there are `rights`."""
        # An operator may have changed the installation since this framework was started.
        root_znode.take_over(self._client, self._paths, leader.describe(self._chosen), epoch)
        if rights and root_znode.close(self._client, rights):
            log.info("the open znodes in ZooKeeper are closed", root=self._chosen.root)
        return ZookeeperStore(self._client, self._paths, epoch, rights)

    def _rights(self) -> Rights | None:
        """Return the rights in ZooKeeper; None if everybody may do everything."""
        identities = self._chosen.identities()
        if not identities:
            return None
        return Rights(self._paths, identities[0], self._chosen.proxy_identities())

    def _end(self, *, in_order: bool) -> None:
        """Stop deciding, then let another framework lead: at once, if this one ends `in_order`."""
        self._exposure.stop()
        if self._leader is not None:
            self._leader.stop()
        if self._serving is not None:
            self._serving.join(timeout=15)
        if in_order:
            self._election.resign()
        self._client.stop()
        self._client.close()

    def _handle_link(self, event: events.Event) -> None:
        self._shared.inbox.put(event)
        if isinstance(event, events.EdgeFailed):
            self._notices.put(event.error)

    def _other_leader(self) -> str | None:
        record = self._election.leader
        return record.api if record and record.api != self._chosen.api else None

    def _find_open(self) -> str | None:
        """Return what anybody may write in ZooKeeper, as an exposure.Look."""
        chosen, paths = self._chosen, self._paths
        looked = [paths.root, paths.apps, paths.placements, paths.previews]
        looked += [paths.tokens, paths.roles]
        name = installation.name_master(chosen.master, chosen.zookeeper)
        if name.startswith("zk:///") and not self._client.chroot:
            looked.append(name.removeprefix("zk://"))
        return exposure.judge_zookeeper(
            root_znode.find_writable(self._client, looked),
            root=paths.root,
            has_identity=bool(chosen.identities()),
        )

    def _own_checks(self) -> tuple[Check, ...]:
        """Return whether this framework could take over."""
        connected = self._client.connected
        answers = "It answers." if connected else str(Unavailable("ZooKeeper"))
        standby = "It stands by." if self._stands_by else "The framework is starting."
        own = Check("zookeeper", connected, answers), Check("standby", self._stands_by, standby)
        return (*own, *self._exposure.checks())

    def _thread(self, name: str, run: Callable[[], Notice | None]) -> threading.Thread:
        """Start a thread; its notice is what `run` returns or raises, or just that it has ended."""

        def guarded() -> None:
            notice: Notice = Ended(name)
            try:
                notice = run() or notice
            except FrameworkError as error:
                notice = error
            except Exception:
                log.exception("a thread ended because of a defect", thread=name)
            self._notices.put(notice)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread


def _warn_of_proxies(chosen: Settings) -> None:
    if chosen.identities() and not chosen.proxy_identities():
        log.warning(
            "proxies have the frameworks' identity in ZooKeeper, which may change everything there",
            do="make one for them, and name its file in PREVS_PROXY_ZOOKEEPER_AUTH_FILE here "
            "and in PREVS_ZOOKEEPER_AUTH_FILE there (docs/operating/zookeeper.md)",
        )
    if not chosen.proxy_tokens():
        log.warning(
            "proxies have the operator's token, which may do everything",
            do="make a token for them, and name its file in PREVS_PROXY_TOKEN_FILE here and in "
            "PREVS_TOKEN_FILE there (docs/operating/tokens.md)",
        )


def _read_code(notice: Notice) -> int:
    match notice:
        case Fatal():
            return notice.exit_code
        case Unavailable():
            return NO_ZOOKEEPER
        case Ended(why) if why in signal.Signals.__members__:
            return 0
    return DEFECT


def _server(app: RequestIds, *, believes_local: bool) -> uvicorn.Server:
    """Return the server. With `believes_local`, X-Forwarded-For counts from this machine."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=make_protocol(choose_bounds()),
            log_config=None,
            access_log=False,
            # Otherwise anybody on this machine could pass for a proxy that says who signs in.
            proxy_headers=believes_local,
            lifespan="off",
            timeout_graceful_shutdown=OPEN_REQUESTS_SECONDS,
        )
    )


def _executor(chosen: Settings, bundle: Bundle) -> Executor:
    return Executor(
        chosen.api + http_api.executor_path(bundle),
        bundle.digest,
        chosen.executor_python,
        is_unpacked=bundle.is_unpacked,
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
    # asyncio sets TCP_NODELAY only on a socket whose protocol is named (`_set_nodelay`), and
    # create_server's is not; uvicorn's own sockets have the same problem
    # (https://github.com/Kludex/uvicorn/pull/3154). Without it, the second answer of a connection
    # takes 40 ms. Accepted connections inherit it from the listener.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


if __name__ == "__main__":
    gc.freeze()  # All that is imported stays, so neither a collection nor the end visits it.
    gc.enable()
    sys.exit(main())
