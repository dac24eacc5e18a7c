"""The images of this agent's docker daemon: reused by tag, else built."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docker.errors import ImageNotFound

from executor.buildkit import BuildKit, Custody
from executor.classic import ClassicBuild
from executor.daemon import Daemon, daemon_errors
from executor.locks import locked
from executor.ports import Context, ImageSpec, Log, Signals


class DockerImages:
    """Fulfils the port Images. `folder` is shared by all attempts of an agent.

    `apart`: no build has Docker fetch from addresses, which it does in the agent's own network.
    The classic builder cannot be kept from that.
    """

    def __init__(
        self,
        daemon: Daemon,
        folder: Path,
        environ: Mapping[str, str],
        custody: Custody,
        *,
        signals: Signals,
        log: Log,
        apart: bool = False,
    ) -> None:
        self._daemon = daemon
        self._apart = apart
        self._folder = folder
        self._environ = environ
        self._signals = signals
        self._log = log
        self._custody = custody
        self._buildkit: BuildKit | None = None

    def exists(self, tag: str) -> bool:
        """Tell whether an image of that tag is there. Raises DockerUnavailable."""
        try:
            with daemon_errors():
                client = self._daemon.client()
                client.inspect_image(tag)  # type: ignore[no-untyped-call]  # as types-docker has it
        except ImageNotFound:
            return False
        return True

    @contextlib.contextmanager
    def building(self, tag: str, *, busy: Callable[[], None]) -> Iterator[None]:
        """Hold the right to build `tag` on this agent; blocks until nobody else does.

        `busy` is called, once, where somebody does. Looks for BuildKit meanwhile, and while the
        caller fetches the commit. Raises Stopped.
        """
        name = hashlib.sha256(tag.encode()).hexdigest()[:24]
        self._buildkit = self._find_buildkit()
        with locked(self._folder / "locks" / f"image-{name}", self._signals, busy=busy):
            yield

    def build(
        self,
        context: Context,
        spec: ImageSpec,
        *,
        limit: float,
        at_step: Callable[[str], None],
    ) -> None:
        """Build an image; what the builder says goes to the attempt's log.

        `at_step` hears, on the caller's thread, of each step that it comes to ("3/5 RUN make").
        Raises BuildFailed, DockerUnavailable, Stopped.
        """
        buildkit = self._buildkit or self._find_buildkit()
        if buildkit.available():
            signals, log = self._signals, self._log
            buildkit.build(context, spec, limit=limit, signals=signals, log=log, at_step=at_step)
            return
        if spec.secrets:
            self._log.header(
                "the build gets none of the app's secrets: this agent has no BuildKit, which keeps "
                "them out of images"
            )
        classic = ClassicBuild(self._daemon, signals=self._signals, log=self._log, at_step=at_step)
        classic.build(context, spec, limit=limit)

    def _find_buildkit(self) -> BuildKit:
        state = self._folder / "buildx"
        return BuildKit(self._daemon.host, state, self._environ, self._custody, apart=self._apart)
