"""The containers of this agent's docker daemon.

All previews of an agent share one bridge network in which containers cannot talk to each other
(docs/decisions/0009-one-network.md): a network for each costs 60 ms before every start, 150 ms
after every stop, and a daemon has address ranges for about 30.
"""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable

from docker.api import APIClient
from docker.errors import APIError, NotFound
from docker.types import LogConfig

from executor.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable, StartFailed
from executor.ports import ContainerSpec, Exit, Log

_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What ordinary images need to give up root by themselves, and to listen on port 80."""

_PIDS = 512
_LOG = LogConfig(type="json-file", config={"max-size": "10m", "max-file": "2"})
_DAEMON_RETURNS = 30.0
"""Seconds in which a daemon that is being restarted is expected back."""

_RETRY_PAUSE = 0.5

logger = logging.getLogger(__name__)


class DockerContainers:
    """Fulfils the port Containers with docker-py."""

    def __init__(self, daemon: Daemon, cluster: str | None, log: Log) -> None:
        self._daemon = daemon
        self._cluster = cluster
        self._network = f"prevs-{cluster}" if cluster else "prevs"
        self._log = log

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> "DockerContainer":
        """Start a container; its output goes to the attempt's log.

        One of the same name that was left over is removed first. Where this raises, no container
        is left. `on_exit` is called, on another thread, when exit() has something to tell.
        Raises StartFailed, DockerUnavailable.
        """
        client = self._daemon.client()
        try:
            with daemon_errors():
                container = self._create(client, spec)
                self._start(client, container)
        except APIError as exc:
            _discard(client, spec.name)
            raise StartFailed(f"{explanation(exc)}.") from exc
        except DockerUnavailable:
            # A daemon that took too long may have done it all the same.
            _discard(client, spec.name)
            raise
        return DockerContainer(client, container, log=self._log, on_exit=on_exit)

    def _create(self, client: APIClient, spec: ContainerSpec) -> str:
        limits = client.create_host_config(
            port_bindings={spec.container_port: (spec.host, spec.host_port)},
            cpu_shares=max(2, int(spec.cpus * 1024)),
            mem_limit=f"{spec.mem}m",
            memswap_limit=f"{spec.mem}m",
            pids_limit=_PIDS,
            security_opt=["no-new-privileges"],
            cap_drop=["ALL"],
            cap_add=list(_CAPABILITIES),
            init=True,
            network_mode=self._network,
            log_config=_LOG,
        )

        def create() -> str:
            made = client.create_container(
                spec.image,
                name=spec.name,
                ports=[spec.container_port],
                environment=dict(spec.environment),
                labels=dict(spec.labels),
                host_config=limits,
            )
            return str(made["Id"])

        try:
            return create()
        except APIError as exc:
            if exc.status_code != 409:
                raise
        # The name is the task's own: what has it is what an earlier executor of it left.
        client.remove_container(spec.name, force=True, v=True)
        return create()

    def _start(self, client: APIClient, container: str) -> None:
        try:
            client.start(container)
        except NotFound as exc:
            if "network" not in explanation(exc):
                raise
        else:
            return
        self._create_network(client)
        client.start(container)

    def _create_network(self, client: APIClient) -> None:
        labels = {"prevs.network": "previews"}
        if self._cluster:
            labels["prevs.cluster"] = self._cluster
        try:
            client.create_network(
                self._network,
                driver="bridge",
                options={"com.docker.network.bridge.enable_icc": "false"},
                labels=labels,
                check_duplicate=True,
            )
        except APIError as exc:
            # 409: another attempt made it in the meantime.
            if exc.status_code != 409:
                raise


def _discard(client: APIClient, name: str) -> None:
    """Remove what an attempt that failed may have left; never raises."""
    try:
        with daemon_errors():
            client.remove_container(name, force=True, v=True)
    except NotFound:
        return
    except (APIError, DockerUnavailable):
        logger.exception("the container %s may be left", name)


class DockerContainer:
    """Fulfils the port Container. Two threads follow the container's output and its end."""

    def __init__(
        self, client: APIClient, container: str, *, log: Log, on_exit: Callable[[], None]
    ) -> None:
        self._client = client
        self._id = container
        self._log = log
        self._on_exit = on_exit
        self._ended: Exit | DockerUnavailable | None = None
        self._follower = threading.Thread(target=self._follow, daemon=True, name="log")
        self._waiter = threading.Thread(target=self._wait, daemon=True, name="wait")
        self._follower.start()
        self._waiter.start()

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs. Doesn't block.

        Raises DockerUnavailable when the daemon went away and did not return.
        """
        ended = self._ended
        if isinstance(ended, DockerUnavailable):
            raise ended
        return ended

    def terminate(self) -> None:
        """Send it the signal with which its image wants to be stopped, SIGTERM by default."""
        try:
            with daemon_errors():
                wanted = self._client.inspect_container(self._id)["Config"].get("StopSignal")
                self._client.kill(self._id, wanted or signal.SIGTERM)
        except APIError:
            # It is not running any more.
            return

    def drain(self, seconds: float) -> None:
        """Wait until the output of an ended container is in the log, at most `seconds`."""
        self._follower.join(seconds)

    def remove(self) -> None:
        """Kill it if it runs, and remove it; one that is gone is no error.

        Raises DockerUnavailable.
        """
        try:
            with daemon_errors():
                self._client.remove_container(self._id, force=True, v=True)
        except NotFound:
            return
        except APIError as exc:
            # 409: its removal is in progress already.
            if exc.status_code != 409:
                raise DockerUnavailable(explanation(exc)) from exc

    def _follow(self) -> None:
        try:
            with daemon_errors():
                for data in self._client.logs(self._id, stream=True, follow=True):
                    self._log.write(data)
        except (APIError, DockerUnavailable):
            # The container or the daemon is gone; the thread beside this one tells which.
            return

    def _wait(self) -> None:
        self._ended = self._outcome()
        self._on_exit()

    def _outcome(self) -> Exit | DockerUnavailable:
        attempts = math.ceil(_DAEMON_RETURNS / _RETRY_PAUSE)
        problem = DockerUnavailable("it closed the connection")
        for _ in range(attempts):
            try:
                with daemon_errors():
                    return self._ask()
            except NotFound:
                return Exit(code=128 + signal.SIGKILL, out_of_memory=False)
            except (APIError, DockerUnavailable) as exc:
                problem = exc if isinstance(exc, DockerUnavailable) else problem
                time.sleep(_RETRY_PAUSE)
        return problem

    def _ask(self) -> Exit:
        """Block until the container has ended; return how."""
        code = int(self._client.wait(self._id)["StatusCode"])
        state = self._client.inspect_container(self._id)["State"]
        # A worker that was killed for memory while the application went on is no such end.
        return Exit(code, out_of_memory=bool(state["OOMKilled"]) and code != 0)
