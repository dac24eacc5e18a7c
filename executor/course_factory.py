"""Makes the course of each attempt and its edges, from the executor's settings and environment.

Importing this module imports docker-py, which takes 0.1 s. GitPython is imported only for a build.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from docker.errors import APIError

from executor.attempt.attempt import Attempt, is_apart
from executor.attempt.course import Course, Provider, Use
from executor.attempt.image_provider import ImageProvider, ImageSources
from executor.attempt.reporter import Reporter
from executor.attempt.serve import Serve
from executor.builds.images import DockerImages
from executor.cleanup.collector import DiskCollector, Store
from executor.cleanup.docker_artifacts import ImageStore, PulledStore, VolumeStore, find_disk
from executor.cleanup.reaper import reap
from executor.cleanup.work_files import FileStore, MirrorStore, TreeStore
from executor.config import Config
from executor.container.containers import Count, DockerContainers, count_alone, no_files
from executor.container.probe import ANSWER_LIMIT, ApplicationProbe
from executor.container.volumes import DockerVolumes
from executor.docker.daemon import Daemon, daemon_errors
from executor.errors import DockerUnavailable
from executor.git.commit_tree import CommitTree
from executor.limits.confinement import Confinement, read_addresses
from executor.limits.ingress import Span
from executor.log.masked_log import mask
from executor.log.output import Output, open_sources
from executor.network.iptables import Close, ClosedNetworks, close
from executor.network.preview_network import OwnNetwork, PreviewNetwork
from executor.network.visitors import Agent, find_ingress
from executor.ports import Checkout, Containers, Log, Registry, ReportIsolation
from executor.signals import StopSignal
from executor.workspace import usage_locks
from executor.workspace.container_guard import ContainerGuard
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names
from prevs.codec import RecordError
from prevs.messages import BuildOrder, KnownProxies

if TYPE_CHECKING:
    from executor.attempt.work import Work
    from executor.companions.companion_images import CompanionSources
    from executor.container.commit_files import CommitFiles
    from executor.workspace.shared_network import SharedNetwork
    from prevs.work import Work as Ordered

logger = logging.getLogger(__name__)


class CourseFactory:
    """Makes the courses of attempts. All edges share one docker client."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], log: Log, guard: ContainerGuard
    ) -> None:
        self._config = config
        self._environ = environ
        self._log = log
        self._guard = guard
        self._daemon = Daemon(environ)
        self._uses = UsageLocks(config.dir)
        self._closed = ClosedNetworks(time.monotonic, close)
        self._over = threading.Event()
        self._job_log: Output | None = None
        self._shared: SharedNetwork | None = None
        self._files: CommitFiles | None = None
        self._agent = Agent(allowed=config.confined.visitors)
        self._proxies: KnownProxies | None = None
        self._attempt: Attempt | None = None

    def connect(self) -> None:
        """Connect to docker before the task comes, and remove what dead attempts left."""
        self._guard.reap(lambda folder: reap(self._daemon, folder))

    def offer_ports(self, ports: Sequence[Span]) -> None:
        """Take the spans of ports that the agent offers, before the first attempt."""
        self._agent = self._agent._replace(ports=ports)

    def tell(self, data: bytes) -> None:
        """Take the framework's newest list of proxies, and let them in. Does not block."""
        try:
            told = KnownProxies.decode(data)
        except RecordError as exc:
            logger.warning("a message of the framework cannot be read: %s", exc)
            return
        self._learn(told)
        if (attempt := self._attempt) is not None:
            admit = functools.partial(self._admit, attempt)
            threading.Thread(target=admit, daemon=True, name="admit").start()

    def _network(self, attempt: Attempt, close: Close) -> PreviewNetwork:
        confined, own = self._confine(attempt.order), None
        if is_apart(attempt.order):
            labels = {**self._guard.labels(), "prevs.task": attempt.task_id}
            own = OwnNetwork(names.network_name(attempt.task_id), labels)
        return PreviewNetwork(attempt.cluster, confined, close, own)

    def _release(self, attempt: Attempt) -> None:
        """Remove the network of an attempt that has one of its own. Never raises."""
        if not is_apart(attempt.order):
            return
        try:
            with daemon_errors():
                self._network(attempt, close).remove(self._daemon.client())
        except (APIError, DockerUnavailable):
            logger.exception("the network of the attempt is left to a reaper")

    def _learn(self, told: KnownProxies | None) -> None:
        if told is not None and (self._proxies is None or told.since > self._proxies.since):
            self._proxies = told

    def _admit(self, attempt: Attempt) -> None:
        """Set the rules of the previews' network again. Blocks."""
        network = self._network(attempt, close)
        try:
            with daemon_errors():
                problem = network.ensure(self._daemon.client())
        except (APIError, DockerUnavailable) as exc:
            problem = str(exc)
        if problem:
            logger.warning("proxies that are new may not be let in: %s", problem)

    def finish(self) -> bool:
        """Release all that the attempt had, which has ended; return whether nothing is left."""
        self.end()
        if self._job_log is not None:
            self._job_log.close()
            self._job_log = None
        return self._guard.end()

    def close(self) -> None:
        """Release what the attempts of this process share, all of which have ended."""
        if self._shared is not None:
            self._shared.end()
        self.finish()

    def end(self) -> None:
        """Release all that the attempts of an agent share."""
        self._over.set()
        self._uses.release()

    def make(self, attempt: Attempt, reporter: Reporter, signals: StopSignal) -> Course:
        """Return the course of an attempt, the first one or the next."""
        self._attempt = attempt
        self._learn(attempt.order.proxies)
        self._over = threading.Event()
        opened = self._open_log(attempt)
        log = mask(opened, attempt.order)
        self._guard.begin(attempt.task_id)
        if is_apart(attempt.order):
            self._guard.register_network(names.network_name(attempt.task_id))
        # Before the check whether it exists: from now on no executor removes it.
        self._uses.hold(usage_locks.image(attempt.image))
        tree = self._tree(attempt, signals, log)
        sources = self._image_sources(attempt, reporter, signals, log=log, tree=tree)
        provider = self._provider(attempt, sources, reporter, signals, log=log)
        self._files = self._commit_files(attempt, tree, log)
        made = self._use(attempt, reporter, signals, log=log)
        work = attempt.order.work
        use: Use = made
        if attempt.order.run.companions and not (work and work.beside):
            use = self._accompany(made, sources, reporter, signals, log=opened)
        return Course(
            *(attempt, provider, use),
            log=log,
            signals=signals,
            prepare=functools.partial(self._prepare, attempt, reporter, signals, log=log),
            settle=tree.end,
            release=functools.partial(self._release, attempt),
        )

    def _prepare(
        self, attempt: Attempt, reporter: Reporter, signals: StopSignal, *, log: Log
    ) -> None:
        """Get what the containers of an attempt need beside their images."""
        order = attempt.order
        if self._files:
            self._files.ensure()
        if not order.data:
            return
        # Imported only for them: previews of no branch have none.
        from executor.data.branch_lock import BranchLock
        from executor.data.seed import Seed
        from executor.data.turn import Turn

        folder, labels = WorkFolder(self._config.dir), self._guard.labels()
        lock = BranchLock(self._daemon, self._uses, folder, attempt)
        seed = Seed(attempt, self._daemon, self._uses, folder, labels) if order.seed else None
        Turn(reporter, log, signals, time.monotonic).take(lock, seed)

    def _provider(
        self,
        attempt: Attempt,
        sources: ImageSources,
        reporter: Reporter,
        signals: StopSignal,
        *,
        log: Log,
    ) -> Provider:
        if not attempt.order.run.image:
            return ImageProvider(attempt, sources, reports=reporter, log=log)
        # Imported only for applications that are an image alone.
        from executor.companions.companion_images import CompanionImages, PulledImage

        found = self._companion_sources(attempt, sources, reporter, signals, log=log)
        return PulledImage(CompanionImages(attempt, found, reporter, log))

    def _open_log(self, attempt: Attempt) -> Log:
        """Return where the attempt's output goes, without a mask."""
        if not names.sandbox_folder(attempt.task_id):
            return self._log
        folder = self._find_folder(attempt)
        folder.mkdir(parents=True, exist_ok=True)
        wanted = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._job_log = Output(os.open(folder / "stdout", wanted, 0o644), open_sources(folder))
        return self._job_log

    def _find_folder(self, attempt: Attempt) -> Path:
        sandbox = self._environ.get("MESOS_SANDBOX", "")
        return Path(sandbox, names.sandbox_folder(attempt.task_id))

    def _image_sources(
        self,
        attempt: Attempt,
        reporter: Reporter,
        signals: StopSignal,
        *,
        log: Log,
        tree: CommitTree,
    ) -> ImageSources:
        order = attempt.order
        collector = self._disk_collector(attempt.cluster)
        return ImageSources(
            checkout=lambda: tree,
            make_room=functools.partial(collector.make_room, signals),
            images=self._images(attempt, signals, log, reporter.set_isolation),
            # The registry's images are for trusted commits, and by its order the policy of builds
            # keeps strangers from them.
            registry=self._registry(order.registry, signals) if order.trusted else None,
        )

    def _use(
        self, attempt: Attempt, reporter: Reporter, signals: StopSignal, *, log: Log
    ) -> Union[Serve, Work]:
        if (work := attempt.order.work) is not None:
            # Imported only for jobs: an executor serves more often.
            from executor.attempt.work import Work
            from prevs.artifacts import FOLDER

            return Work(
                attempt,
                work,
                containers=self._containers_of_job(attempt, work, reporter, log),
                reports=reporter,
                log=log,
                signals=signals,
                now=time.monotonic,
                artifacts=self._find_folder(attempt) / FOLDER,
            )
        return Serve(
            attempt,
            containers=self._containers(attempt, reporter, log),
            volumes=DockerVolumes(self._daemon, WorkFolder(self._config.dir), self._uses),
            probe=_probe(attempt.order, signals),
            reports=reporter,
            log=log,
            signals=signals,
            now=time.monotonic,
        )

    def _containers_of_job(
        self, attempt: Attempt, work: Ordered, reporter: Reporter, log: Log
    ) -> Containers:
        """Return where the command of a job starts, unless it has companions of its own."""
        if not attempt.order.run.companions:
            shared = self._share(attempt, work.linger)
            return self._containers(attempt, reporter, log, shared=shared)
        containers = self._containers(attempt, reporter, log)
        if not work.beside:
            return containers
        # Imported only for companions, as in _accompany.
        from executor.companions.of_job import ContainersBeside
        from executor.companions.running_previews import DockerPreviews

        return ContainersBeside(attempt, work.beside, containers, DockerPreviews(self._daemon), log)

    def _share(self, attempt: Attempt, linger: float) -> SharedNetwork | None:
        """Return the network that jobs share, for one that is not the first of its executor.

        None if no other job waits for the executor, so that nobody would share it.
        """
        from executor.workspace.shared_network import SharedNetwork

        if self._shared is None:
            self._shared = SharedNetwork(self._daemon, self._guard)
        is_later = names.find_number(attempt.task_id) > 1
        return self._shared if is_later and (linger or self._shared.exists) else None

    def _containers(
        self,
        attempt: Attempt,
        reporter: Reporter,
        log: Log,
        add: Count = count_alone,
        *,
        shared: SharedNetwork | None = None,
    ) -> DockerContainers:
        return DockerContainers(
            self._daemon,
            self._network(attempt, self._closed.close),
            log,
            self._guard,
            report_isolation=reporter.set_isolation,
            add=add,
            shared=shared,
            files=self._files.of if self._files else no_files,
        )

    def _accompany(
        self,
        use: Union[Serve, Work],
        sources: ImageSources,
        reporter: Reporter,
        signals: StopSignal,
        *,
        log: Log,
    ) -> Use:
        """Return the use of an attempt with companions. `log` is the attempt's, without a mask."""
        # Imported only for companions: most commits have none.
        from executor.companions.prefixed_log import PrefixedLog
        from executor.companions.ready_check import ReadyCheck
        from executor.companions.wiring import Edges, add_companions, add_own_companions

        attempt, order = use.attempt, use.attempt.order
        edges = Edges(
            containers=functools.partial(self._containers, attempt, reporter),
            # A mask of its own: a secret may come in pieces, with others' output between them.
            log_of=lambda name: mask(PrefixedLog(log, name), order),
            sources=self._companion_sources(attempt, sources, reporter, signals, log=use.log),
            readiness=ReadyCheck(self._daemon, signals),
        )
        if isinstance(use, Serve):
            return add_companions(use, edges)
        return add_own_companions(use, edges)

    def _companion_sources(
        self,
        attempt: Attempt,
        sources: ImageSources,
        reporter: Reporter,
        signals: StopSignal,
        *,
        log: Log,
    ) -> CompanionSources:
        from executor.companions.companion_images import CompanionSources
        from executor.companions.image_pull import ImagePull

        order = attempt.order
        images = self._images(attempt, signals, log, reporter.set_isolation)
        # Its digest would be reported as that of the application's image.
        unshared = sources._replace(registry=None)
        return CompanionSources(
            hold=lambda tag: self._uses.hold(usage_locks.image(tag)),
            stage=lambda one: ImageProvider(one, unshared, reports=reporter, log=log),
            pulls=ImagePull(
                self._daemon,
                self._environ,
                self._config.dir,
                signals=signals,
                anonymous=not order.trusted,
                explain=images.explain,
            ),
            confined=self._confine(order),
            make_room=sources.make_room,
            close=images.close_pulls,
        )

    def _commit_files(self, attempt: Attempt, tree: CommitTree, log: Log) -> CommitFiles | None:
        run = attempt.order.run
        if not any(one.files for one in (run.container, *(c.container for c in run.companions))):
            return None
        # Imported only for them: most commits have none.
        from executor.container.commit_files import CommitFiles

        return CommitFiles(attempt, self._config.dir, tree, log)

    def _tree(self, attempt: Attempt, signals: StopSignal, log: Log) -> CommitTree:
        return CommitTree(functools.partial(self._checkout, attempt, signals, log))

    def _checkout(self, attempt: Attempt, signals: StopSignal, log: Log) -> Checkout:
        from executor.git.checkout import GitCheckout, Source
        from executor.git.foreign_hosts import ForeignHosts

        order = attempt.order
        source = Source(
            order.repository,
            order.sha,
            attempt.task_id,
            order.credential,
            ref=order.ref,
            trusted=order.trusted,
        )
        return GitCheckout(
            self._config.dir,
            source,
            signals=signals,
            log=log,
            environ=self._environ,
            hosts=ForeignHosts(self._confine(order), self._environ),
        )

    def _confine(self, order: BuildOrder) -> Confinement:
        closed = read_addresses(order.control_plane)
        confined = self._config.confined
        return confined._replace(
            control_plane=closed,
            strangers=not order.trusted,
            fetches=confined.fetches and order.trusted,
            ingress=find_ingress(order, self._proxies, self._agent),
        )

    def _images(
        self, attempt: Attempt, signals: StopSignal, log: Log, report_isolation: ReportIsolation
    ) -> DockerImages:
        return DockerImages(
            self._daemon,
            self._config.dir,
            self._environ,
            self._guard,
            signals=signals,
            log=log,
            cluster=attempt.cluster,
            confined=self._confine(attempt.order),
            report_isolation=report_isolation,
            registry=attempt.order.registry,
        )

    def _registry(self, address: str, signals: StopSignal) -> Registry | None:
        if not address:
            return None
        from executor.builds.registry import DockerRegistry

        return DockerRegistry(self._daemon, address, self._environ, signals=signals)

    def _disk_collector(self, cluster: Optional[str]) -> DiskCollector:
        """Return the disk collector of this agent. From now on it also runs on its own thread."""
        collector = DiskCollector(
            self._config.dir, self._config.watermarks, self._uses, lambda: self._stores(cluster)
        )
        beside = threading.Thread(
            target=collector.watch, args=(self._over,), daemon=True, name="collector"
        )
        beside.start()
        return collector

    def _stores(self, cluster: Optional[str]) -> Sequence[Store]:
        """Return the stores to collect from. Raises DockerUnavailable."""
        folder = self._config.dir
        stores: list[Store] = [
            MirrorStore(folder, self._uses),
            TreeStore(folder),
            FileStore(folder),
        ]
        if (disk := find_disk(self._daemon)) is not None:
            stores += [
                ImageStore(self._daemon, cluster, self._uses, disk),
                PulledStore(self._daemon, cluster, self._uses, disk),
                VolumeStore(self._daemon, WorkFolder(folder), self._uses, disk),
            ]
        return stores


def _probe(order: BuildOrder, signals: StopSignal) -> ApplicationProbe:
    return ApplicationProbe(
        (order.host, order.host_port),
        order.health,
        order.url,
        signals=signals,
        answer_limit=order.run.check_timeout or ANSWER_LIMIT,
        kind=order.run.health_kind,
        host=order.run.health_host,
    )
