"""The containers of this agent's docker daemon."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Protocol

from docker.api import APIClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import Mount

from executor.container.attachment import Attachment
from executor.container.container import DockerContainer
from executor.docker import blame
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import (
    DockerUnavailable,
    ExecutorError,
    ImageMissing,
    PreviewExposed,
    StartFailed,
)
from executor.limits import cgroup, confinement, cpu_share
from executor.limits.disk_schedule import CALM
from executor.limits.strangers import AgentOpen, find_opening
from executor.network.preview_network import PreviewNetwork
from executor.ports import ContainerSpec, Log, PlacedFile, ReportIsolation, report_nothing
from prevs.containers import ContainerSettings
from prevs.work import FOLDER

if TYPE_CHECKING:
    from executor.workspace.shared_network import SharedNetwork

_HIERARCHIES = Path("/sys/fs/cgroup")
_WITH_V2 = _HIERARCHIES / "cgroup.controllers"
"""The file that exists if only v2 is mounted."""

_LOOPBACK = "127.0.0.1"
_UNNAMED = "the framework had not named its proxies yet"
_NO_CHECK = {"test": ["NONE"]}
"""Turns off an image's own health check: dockerd would run it as often as a commit likes."""

logger = logging.getLogger(__name__)


class Guard(Protocol):
    """Removes a container if its executor dies; see executor/workspace/container_guard.py."""

    def labels(self) -> Mapping[str, str]:
        """Return the labels by which the reaper finds a container."""
        ...

    def register(self, name: str) -> None:
        """Guard a container that is about to be created."""
        ...

    def unregister(self, name: str) -> None:
        """Note that a container has been removed for sure."""
        ...

    def wait_for_reaper(self) -> None:
        """Block until what dead attempts left is removed, for some seconds at most."""
        ...


Files = Callable[[ContainerSettings], Sequence[PlacedFile]]
"""Returns the files that a container finds. Raises ExecutorError, Stopped."""


def no_files(container: ContainerSettings) -> Sequence[PlacedFile]:
    """Be Files for containers that have none."""
    del container
    return ()


Count = Callable[[str, int], int]
"""Given a container's name and the bytes that it has written, returns what counts of them."""


def count_alone(container: str, written: int) -> int:
    """Return what counts of what a container has written that shares its limit with none."""
    del container
    return written


class DockerContainers:
    """Fulfils the port Containers with docker-py, for containers in a network and confined by it.

    Measures what a container writes every `calm` seconds, and more often if it writes much. `add`
    says what counts of that. If there is a network that is `shared`, containers join it. `files`
    returns the files that a container finds.
    """

    def __init__(  # noqa: PLR0913 - wiring; most arguments are given by name
        self,
        daemon: Daemon,
        network: PreviewNetwork,
        log: Log,
        guard: Guard,
        *,
        calm: float = CALM,
        report_isolation: ReportIsolation = report_nothing,
        add: Count = count_alone,
        shared: Optional[SharedNetwork] = None,
        files: Files = no_files,
    ) -> None:
        self._files = files
        self._shared = shared
        self._daemon = daemon
        self._add = add
        self._guard = guard
        self._network = network
        self._log = log
        self._confinement = network.confined
        self._calm = calm
        self._report_isolation = report_isolation
        self._group = _own_group()
        self._has_named_gates = False

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> DockerContainer:
        """Start a container; its output goes to the attempt's log.

        Removes a container of the same name first. If this raises, no container is left. Calls
        `on_exit` on another thread once exit() returns or raises something. Raises PreviewExposed,
        AgentOpen, StartFailed, AgentUnfit, DockerUnavailable.
        """
        client = self._daemon.client()
        self._confine(client)
        self._tell_gates(spec)
        if self._shared is None:
            return self._start(client, spec, on_exit)
        joined = self._shared.join(spec, self._host_config, self._removed)
        try:
            return self._start(client, joined, on_exit)
        except ExecutorError:
            if not self._shared.is_lost():
                raise
            return self._start(client, spec, on_exit)

    def _start(
        self, client: APIClient, spec: ContainerSpec, on_exit: Callable[[], None]
    ) -> DockerContainer:
        files = self._files(spec.own)
        self._guard.register(spec.name)
        try:
            with daemon_errors(), contextlib.ExitStack() as failing:
                container = self._replace(client, spec, files)
                exchange = _prepare(client, container, spec, files)
                attachment = Attachment(client, container)
                failing.callback(attachment.close)
                self._guard.wait_for_reaper()
                client.start(container)
                failing.pop_all()
        except APIError as exc:
            self._discard(client, spec.name)
            if isinstance(exc, ImageNotFound):
                raise ImageMissing(f"{explanation(exc)}.") from exc
            raise _judge(exc) from exc
        except DockerUnavailable:
            # A daemon that took too long may have created it after all.
            self._discard(client, spec.name)
            raise
        started = DockerContainer(
            attachment,
            log=self._log,
            on_exit=on_exit,
            on_removed=functools.partial(self._removed, spec.name),
            exchange=exchange,
        )
        if self._confinement.disk_limit:
            add = functools.partial(self._add, spec.name)
            limit = self._confinement.disk_limit
            started.limit_disk(limit, self._daemon, calm=self._calm, add=add)
        return started

    def _replace(self, client: APIClient, spec: ContainerSpec, files: Sequence[PlacedFile]) -> str:
        """Create a container instead of one of the same name, if there is one; return its id."""
        host_config = self._host_config(client, spec, files)
        try:
            return self._create(client, spec, host_config)
        except APIError as exc:
            if exc.status_code != 409:
                raise
        # The name belongs to the task: an earlier executor of the task left this container.
        client.remove_container(spec.name, force=True, v=True)
        return self._create(client, spec, host_config)

    def _create(self, client: APIClient, spec: ContainerSpec, host_config: dict[str, Any]) -> str:
        made = client.create_container(
            spec.image,
            command=list(spec.command) or None,
            entrypoint=_entrypoint(spec),
            user=spec.own.user or None,
            working_dir=spec.own.folder or None,
            stop_signal=spec.own.stop_signal or None,
            name=spec.name,
            ports=[port.container_port for port in spec.ports],
            environment=dict(spec.environment),
            labels={**spec.labels, **self._guard.labels()},
            host_config=host_config,
            networking_config=self._find_aliases(client, spec),
            healthcheck=_NO_CHECK,
            stdin_open=spec.stdin is not None,
        )
        return str(made["Id"])

    def _host_config(
        self, client: APIClient, spec: ContainerSpec, files: Sequence[PlacedFile] = ()
    ) -> dict[str, Any]:
        """Return what a container has of the agent: its ports, volumes, network and limits."""
        published: dict[int | str, Any] = {}
        for port in spec.ports:
            published.setdefault(port.container_port, []).append((port.host, port.host_port))
        mounts = [Mount(path, name, type="volume") for path, name in spec.volumes.items()]
        if spec.exchange is not None:
            # Without a name it is the container's own, and is removed with it.
            own = Mount(FOLDER, None, type="volume", no_copy=True, labels=dict(spec.labels))
            mounts.append(own)
        if files and spec.read_only:
            from executor.container import placing

            mounts += [
                Mount(path, None, type="volume", labels=dict(spec.labels))
                for path in placing.find_folders(files)
                if path not in spec.volumes
            ]
        return client.create_host_config(
            port_bindings=published,
            mounts=mounts,
            network_mode=f"container:{spec.joins}" if spec.joins else self._network.name,
            extra_hosts=self._find_hosts(spec),
            cgroup_parent=self._cgroup_parent(),
            cpu_shares=self._find_shares(spec.cpus),
            **confinement.limits(spec),
        )

    def _find_aliases(self, client: APIClient, spec: ContainerSpec) -> Any:
        """Return the names of which docker's nameserver tells the others in its network."""
        if not spec.aliases:
            return None
        ends: Any = {self._network.name: client.create_endpoint_config(aliases=list(spec.aliases))}
        return client.create_networking_config(ends)

    def _find_hosts(self, spec: ContainerSpec) -> dict[str, str]:
        """Return the addresses of names; without a known proxy, nameservers say where gates are."""
        proxy = self._confinement.proxy
        gates = dict.fromkeys(spec.gates, proxy.address) if proxy else {}
        return {**gates, **dict.fromkeys(spec.hosts, _LOOPBACK)}

    def _find_shares(self, cpus: float) -> int:
        if not _WITH_V2.exists():
            return cpu_share.shares(cpus)
        curved = cpu_share.is_curved(self._daemon.version())
        return cpu_share.shares_of_weight(cpus, curved=curved)

    def _cgroup_parent(self) -> Optional[str]:
        if self._group is None or not cgroup.accepts(self._daemon.info()):
            return None
        return self._group

    def _removed(self, name: str) -> None:
        self._guard.unregister(name)
        if self._group is not None:
            _tidy(self._group)

    def _confine(self, client: APIClient) -> None:
        """Create the network, and report if it does not keep previews apart.

        Raises PreviewExposed, AgentOpen, StartFailed, AgentUnfit, DockerUnavailable.
        """
        if self._confinement.strangers and (opening := find_opening(self._confinement)):
            raise AgentOpen(opening)
        try:
            with daemon_errors():
                problem = self._network.ensure(client)
        except APIError as exc:
            raise _judge(exc) from exc
        self._report_isolation("open", problem or "")
        unnamed = "" if self._confinement.ingress else _UNNAMED
        self._report_isolation("ports_open", problem or unnamed)
        if problem is None:
            return
        if self._confinement.strangers:
            raise AgentOpen(problem)
        if self._confinement.required:
            raise PreviewExposed(problem)
        logger.warning("previews on this agent are not isolated: %s", problem)
        self._log.header(f"this agent does not isolate previews: {problem}")

    def _tell_gates(self, spec: ContainerSpec) -> None:
        """Say once what to do if calls to gates get no answer: what is closed only times out."""
        if spec.gates and self._confinement.proxy is None and not self._has_named_gates:
            self._has_named_gates = True
            self._log.header(
                "nameservers say where the gates of its stack are; if calls to them time out, the "
                "agent's operator can open a proxy to previews (PREVS_ALLOW_PROXY)"
            )

    def _discard(self, client: APIClient, name: str) -> None:
        """Remove the container that a failed start may have left. Never raises."""
        try:
            with daemon_errors():
                client.remove_container(name, force=True, v=True)
        except NotFound:
            self._removed(name)
        except (APIError, DockerUnavailable):
            logger.exception("the container %s may be left behind until docker answers", name)
        else:
            self._removed(name)


def _prepare(
    client: APIClient, container: str, spec: ContainerSpec, files: Sequence[PlacedFile]
) -> Optional[Path]:
    """Give a container that has been created its files, and what its command reads.

    Returns the folder of its exchange if this process may enter it. Raises APIError,
    DockerUnavailable.
    """
    folder: Optional[Path] = None
    if files:
        # Imported only for those that have some.
        from executor.container import placing

        placing.place(client, container, files, read_only=spec.read_only)
    # Imported only for jobs.
    if spec.exchange is not None:
        from executor.container import exchange_folder

        folder = exchange_folder.give(client, container, spec.exchange)
    if spec.stdin is not None:
        from executor.container import stdin

        stdin.feed(client, container, spec.stdin)
    return folder


def _entrypoint(spec: ContainerSpec) -> Optional[list[str]]:
    """Return what docker runs in front of the command; [""] stands for nothing.

    With anything but None, docker does not take the image's own command either, as in compose.
    """
    own = spec.own.entrypoint
    return None if own is None else list(own) or [""]


def _judge(error: APIError) -> ExecutorError:
    why = explanation(error)
    return blame.find_call_fault(error.status_code, why) or StartFailed(why)


def _own_group() -> Optional[str]:
    try:
        return cgroup.own_group(Path("/proc/self/cgroup").read_text())
    except OSError:
        return None


def _tidy(group: str) -> None:
    """Remove the copies of a group that docker made in hierarchies that Mesos does not use.

    Copies with processes stay, above all the executor's own.
    """
    for folder in cgroup.copies(group, map(str, _HIERARCHIES.iterdir())):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
