"""One container that was started: its output, its end, and that through restarts of its daemon.

What was found of Docker 26, which the rules here rest on: a dockerd that is stopped first closes
its socket, then ends its containers unless it has live-restore, tells who waits of their exit
codes (143, 137, as if they had ended by themselves), and exits. One that was killed leaves them
running; the next one ends them when it starts, unless it has live-restore.
"""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.container import disk_watch, memory_kills, oom
from executor.container.log_follower import Following
from executor.docker.daemon import daemon_errors, explanation
from executor.errors import DiskFull, DockerRestarted, DockerUnavailable, ExecutorError
from executor.limits.disk import CALM, MB
from executor.ports import Exit, Log

_DAEMON_RETURNS = 60.0
"""Seconds in which a daemon that is being restarted is expected back."""

_RETRY_PAUSE = 0.5
_TELLING = 1.0
"""Seconds in which a daemon tells of an end that it has seen itself, and of what led to it."""

_UNKNOWN = 255
"""What a daemon says of a container that ended while it was away."""

_REMOVED = Exit(code=128 + signal.SIGKILL, out_of_memory=False)

logger = logging.getLogger(__name__)


class DockerContainer:
    """Fulfils the port Container. Two threads follow the container's output and its end.

    `patience` is how many seconds a daemon may be away. `on_exit` is called when exit() has
    something to tell, `on_removed` when the container is gone for sure.
    """

    def __init__(
        self,
        client: APIClient,
        container: str,
        *,
        log: Log,
        on_exit: Callable[[], None],
        on_removed: Callable[[], None],
        patience: float = _DAEMON_RETURNS,
    ) -> None:
        self._client = client
        self._id = container
        self._on_exit = on_exit
        self._on_removed = on_removed
        self._patience = patience
        self._ended: Exit | ExecutorError | None = None
        self._was_away = False
        self._memory_kills = 0
        self._counter: Path | None = None
        self._told_to_end = False
        self._over = threading.Event()
        follow = Following(client, container, log, self._over).follow
        was_away = (lambda: self._was_away,)
        self._follower = threading.Thread(target=follow, args=was_away, daemon=True, name="log")
        self._waiter = threading.Thread(target=self._wait, daemon=True, name="wait")
        self._follower.start()
        self._waiter.start()

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs. Doesn't block.

        Raises DockerUnavailable when the daemon went away and did not return, or when it ended
        the container in its own end. Raises DiskFull where limit_disk() was told a limit.
        """
        ended = self._ended
        if isinstance(ended, ExecutorError):
            raise ended
        return ended

    def memory_kills(self) -> int:
        """Return how many of its processes the kernel has killed for want of memory.

        0 where that cannot be known.
        """
        try:
            if self._counter is None:
                with daemon_errors():
                    process = self._client.inspect_container(self._id)["State"]["Pid"]
                self._counter = memory_kills.find_counter(
                    Path(f"/proc/{process}/cgroup").read_text()
                )
            if self._counter is not None:
                self._memory_kills = memory_kills.count(self._counter)
        except (OSError, APIError, DockerUnavailable):
            # It is just ending, or its docker is away: what was known stays.
            pass
        return self._memory_kills

    def limit_disk(self, megabytes: int, *, calm: float = CALM) -> None:
        """Have exit() raise DiskFull once it has written more than that.

        It is measured after `calm` seconds at the latest.
        """

        def fill() -> None:
            self._fail(DiskFull(megabytes))

        arguments = (self._client, self._id, megabytes * MB)
        options = {"over": self._over, "full": fill, "calm": calm}
        threading.Thread(
            target=disk_watch.watch, args=arguments, kwargs=options, daemon=True, name="disk"
        ).start()

    def _fail(self, error: ExecutorError) -> None:
        if self._ended is None:
            self._ended = error
            self._over.set()
            self._on_exit()

    def terminate(self) -> None:
        """Send it the signal with which its image wants to be stopped, SIGTERM by default."""
        self._told_to_end = True
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

        Waits for a daemon that is away, unless that did not return already. Raises
        DockerUnavailable.
        """
        deadline = time.monotonic() + self._patience
        while (problem := self._try_remove()) is not None:
            given_up = isinstance(self._ended, DockerUnavailable)
            if given_up or time.monotonic() >= deadline:
                raise problem
            time.sleep(_RETRY_PAUSE)
        self._on_removed()

    def _try_remove(self) -> DockerUnavailable | None:
        try:
            with daemon_errors():
                self._client.remove_container(self._id, force=True, v=True)
        except NotFound:
            return None
        except APIError as exc:
            return DockerUnavailable(explanation(exc))
        except DockerUnavailable as exc:
            return exc
        return None

    def _wait(self) -> None:
        while self._ended is None:
            outcome: Exit | ExecutorError | None
            try:
                outcome = self._outcome()
            except Exception as exc:
                # Whatever it is, it must be told: its end would be noticed by nobody any more.
                logger.exception("the container can be followed no further")
                outcome = DockerUnavailable(f"its answer is not understood: {exc!r}")
            if self._ended is None:
                self._ended = outcome
        self._over.set()
        self._on_exit()

    def _outcome(self) -> Exit | DockerUnavailable | None:
        """Block until it has ended, or the daemon was away; return how, None where it goes on."""
        try:
            with daemon_errors():
                self._client.wait(self._id)
                # Where systemd keeps docker's socket, the next daemon answers as if nothing was.
                return self._exit(self._was_short())
        except NotFound:
            return _REMOVED
        except (APIError, DockerUnavailable) as exc:
            logger.warning("docker went away: %s", exc)
        self._was_away = True
        return self._outcome_of_absence()

    def _outcome_of_absence(self) -> Exit | DockerUnavailable | None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                with daemon_errors():
                    running = self._client.inspect_container(self._id)["State"]["Running"]
                    return None if running else self._exit(None)
            except NotFound:
                return _REMOVED
            except (APIError, DockerUnavailable) as exc:
                if time.monotonic() >= deadline:
                    return DockerUnavailable(f"away for {self._patience:g} s: {_why(exc)}")
            time.sleep(_RETRY_PAUSE)

    def _was_short(self) -> bool | None:
        """Return whether it ended for want of memory, None if its daemon did not see its end."""
        events = self._client.events(
            since=1,
            until=math.ceil(time.time() + _TELLING),
            filters={"container": self._id, "event": ["oom", "die"]},
            decode=True,
        )
        with contextlib.closing(events):
            return oom.was_short(events, late=not self._told_to_end)

    def _exit(self, short: bool | None) -> Exit | DockerUnavailable:
        """Return how it ended; `short` is as of _was_short."""
        state = self._client.inspect_container(self._id)["State"]
        code = int(state["ExitCode"])
        if short is None:
            if not self._client.info()["LiveRestoreEnabled"]:
                return DockerRestarted()
            if code == _UNKNOWN:
                return Exit(None, out_of_memory=False)
        # docker notes for good that any process in it was killed for memory. That is its end if
        # it took that for one: a worker's, long before, is not.
        killed = code == _REMOVED.code or short is True
        return Exit(code, out_of_memory=bool(state["OOMKilled"]) and code != 0 and killed)


def _why(error: APIError | DockerUnavailable) -> str:
    return explanation(error) if isinstance(error, APIError) else error.why
