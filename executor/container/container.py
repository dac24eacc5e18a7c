"""One container that was started: its output and its end, through restarts of its daemon.

The rules here rest on tests with Docker 26. A dockerd that is stopped closes its socket first. Then
it ends its containers, unless it has live-restore, reports their exit codes to whoever waits (143
or 137, as if they had ended by themselves), and exits. A dockerd that is killed leaves its
containers running; the next one ends them at its start, unless it has live-restore.
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
from typing import Any

from docker.errors import APIError, NotFound

from executor.container import disk_watch, memory_kills
from executor.container.attachment import Attachment, Follower
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DiskFull, DockerRestarted, DockerUnavailable, ExecutorError
from executor.limits.disk_schedule import CALM, DISK_LIMIT, MB
from executor.ports import Exit, Left, Log

_DAEMON_RETURNS = 60.0
"""Seconds in which a daemon that is being restarted is expected back."""

_RETRY_PAUSE = 0.5
_EVENTS_LIMIT = 1.0
"""Seconds after which a daemon has sent the events of an end that it has seen."""
_LATE_EVENTS_LIMIT = 2.0
"""The same for one that was killed: hardly anybody but the kernel does that, and news of a lack of
memory may be late on a busy machine."""

_UNKNOWN = 255
"""The exit code that a daemon shows for a container that ended while the daemon was away."""

_REMOVED = Exit(memory_kills.KILLED, out_of_memory=False, is_removed=True)

logger = logging.getLogger(__name__)


class DockerContainer:
    """Fulfils the port Container. One thread copies the container's output, one waits for its end.

    It is the one of `attachment`. `patience` is how many seconds the daemon may be away. `on_exit`
    is called once exit() returns or raises something, `on_removed` once the container is gone for
    sure. The control groups are below `hierarchies`. `exchange` is the folder of its exchange, if
    this process may enter it.
    """

    def __init__(
        self,
        attachment: Attachment,
        *,
        log: Log,
        on_exit: Callable[[], None],
        on_removed: Callable[[], None],
        patience: float = _DAEMON_RETURNS,
        hierarchies: Path = memory_kills.HIERARCHIES,
        exchange: Path | None = None,
    ) -> None:
        self._client = attachment.client
        self._id = attachment.container
        self._on_exit = on_exit
        self._on_removed = on_removed
        self._patience = patience
        self._hierarchies = hierarchies
        self._exchange = exchange
        self._ended: Exit | ExecutorError | None = None
        self._was_away = False
        self._memory_kills = 0
        self._counters: memory_kills.Counters | None = None
        self._kills_above = ""
        self._is_stopping = False
        self._disk_limit = DISK_LIMIT
        self._over = threading.Event()
        self._follower = Follower(attachment, log, self._over)
        self._following = threading.Thread(
            target=self._follower.follow, args=(lambda: self._was_away,), daemon=True, name="log"
        )
        self._waiter = threading.Thread(target=self._wait, daemon=True, name="wait")
        self._following.start()
        self._waiter.start()

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs. Doesn't block.

        Raises DockerUnavailable if the daemon went away and did not return, or ended the container
        when it was stopped itself. Raises DiskFull if the limit of limit_disk() is exceeded.
        """
        ended = self._ended
        if isinstance(ended, ExecutorError):
            raise ended
        return ended

    def memory_kills(self) -> int:
        """Return how many of its processes the kernel has killed because memory ran out.

        Returns 0 if that cannot be known.
        """
        try:
            if self._counters is None:
                with daemon_errors():
                    process = self._client.inspect_container(self._id)["State"]["Pid"]
                self._counters = memory_kills.find_counters(
                    Path(f"/proc/{process}/cgroup").read_text(), self._hierarchies
                )
            if self._counters is not None:
                above, kills = self._counters.read_above(), self._counters.count_kills()
                if kills == self._memory_kills:  # otherwise this may be its end already
                    self._kills_above = above
                self._memory_kills = kills
        except (OSError, APIError, DockerUnavailable) as exc:
            # It is just ending, or docker is away: the last count stays.
            logger.debug("the kernel's count of killed processes cannot be read: %s", exc)
        return self._memory_kills

    def limit_disk(
        self,
        megabytes: int,
        daemon: Daemon,
        *,
        calm: float = CALM,
        add: Callable[[int], int] = int,
    ) -> None:
        """Make exit() raise DiskFull once the container has written more than that.

        Measures after `calm` seconds at the latest. `add` is that of disk_watch.watch().
        """

        def fill() -> None:
            self._fail(DiskFull(megabytes))

        self._disk_limit = megabytes
        arguments = (self._client, self._id, megabytes * MB)
        options: dict[str, Any] = {
            "daemon": daemon,
            "over": self._over,
            "full": fill,
            "calm": calm,
            "add": add,
        }
        threading.Thread(
            target=disk_watch.watch, args=arguments, kwargs=options, daemon=True, name="disk"
        ).start()

    def _fail(self, error: ExecutorError) -> None:
        if self._ended is None:
            self._ended = error
            self._over.set()
            self._on_exit()

    def terminate(self) -> bool:
        """Send it the stop signal of its image, SIGTERM by default; return whether it ran still.

        Raises DockerUnavailable.
        """
        self._is_stopping = True
        try:
            with daemon_errors():
                wanted = self._client.inspect_container(self._id)["Config"].get("StopSignal")
                self._client.kill(self._id, wanted or signal.SIGTERM)
        except APIError:
            # It does not run any more.
            return False
        return True

    def read_progress(self) -> bytes | None:
        """Return the text of its command's progress file, None if there is none to read.

        Raises DockerUnavailable.
        """
        # Imported only for jobs.
        from executor.container import exchange

        return exchange.read_progress(self._client, self._id)

    def take(self, folder: Path) -> Left:
        """After its end, return what its command left; put the artifacts into `folder`.

        Raises DockerUnavailable.
        """
        from executor.container import exchange_folder

        if self._exchange is not None and exchange_folder.is_untouched(self._exchange):
            return Left()
        from executor.container import exchange

        return exchange.take(self._client, self._id, folder, most=self._disk_limit)

    def drain(self, seconds: float) -> None:
        """After its end, wait until all output is in the log, for `seconds` at most.

        What docker has not passed on by then is lost, and the log says so.
        """
        self._follower.wait(self._following, seconds)

    def remove(self) -> None:
        """Kill it if it runs, and remove it. Does nothing if it is gone.

        Waits for a daemon that is away, unless it was waited for before. Raises DockerUnavailable.
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
                # Report any error: nobody else would notice the end of the container.
                logger.exception("the executor can no longer follow the container")
                outcome = DockerUnavailable(f"the executor does not understand its answer: {exc!r}")
            if self._ended is None:
                self._ended = outcome
        self._over.set()
        self._on_exit()

    def _outcome(self) -> Exit | DockerUnavailable | None:
        """Block until it has ended or the daemon was away; return how, None if it still runs."""
        # The counters can be found only while it runs.
        self.memory_kills()
        try:
            with daemon_errors():
                ended = self._client.wait(self._id)
                # If systemd holds docker's socket, the next daemon answers as if nothing was.
                return self._exit(self._was_oom_killed(ended["StatusCode"]))
        except NotFound:
            return _REMOVED
        except (APIError, DockerUnavailable) as exc:
            logger.warning("docker does not answer any more: %s", exc)
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
                    return DockerUnavailable(f"for {self._patience:g} s: {_why(exc)}")
            time.sleep(_RETRY_PAUSE)

    def _was_oom_killed(self, code: int) -> bool | None:
        """Return whether it ended because memory ran out, None if the daemon did not see it."""
        limit = _LATE_EVENTS_LIMIT if code == memory_kills.KILLED else _EVENTS_LIMIT
        events = self._client.events(
            since=1,
            until=math.ceil(time.time() + limit),
            filters={"container": self._id, "event": ["oom", "die"]},
            decode=True,
        )
        with contextlib.closing(events):
            return memory_kills.was_oom_killed(events, late=not self._is_stopping)

    def _exit(self, oom_killed: bool | None) -> Exit | DockerUnavailable:
        """Return how it ended; `oom_killed` is the result of _was_oom_killed."""
        state = self._client.inspect_container(self._id)["State"]
        code = int(state["ExitCode"])
        if oom_killed is None:
            if not self._client.info()["LiveRestoreEnabled"]:
                return DockerRestarted()
            if code == _UNKNOWN:
                return Exit(None, out_of_memory=False)
        # OOMKilled stays true once any process in the container was killed for memory. That may
        # have been a worker's end, long before the container's.
        killed = code == memory_kills.KILLED or oom_killed is True
        if state["OOMKilled"] and code != 0 and killed:
            return Exit(code, out_of_memory=True)
        above = self._counters.read_above() if self._counters else ""
        is_killed = memory_kills.was_killed_below(code, self._kills_above, above)
        return Exit(code, out_of_memory=is_killed)


def _why(error: APIError | DockerUnavailable) -> str:
    return explanation(error) if isinstance(error, APIError) else error.why
