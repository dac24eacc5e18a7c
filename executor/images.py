"""The images of this agent's docker daemon: reused by tag, else built."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, ImageNotFound

from executor import cgroup
from executor.confinement import Confinement
from executor.daemon import Daemon, daemon_errors, explanation
from executor.errors import AgentUnfit, BuildExposed, BuildFailed, DockerUnavailable
from executor.filling import measure
from executor.locks import locked
from executor.network import PreviewNetwork
from executor.ports import Context, ImageSpec, Log, Signals

if TYPE_CHECKING:
    from executor.buildkit import BuildKit, Custody

_DEFAULT = Confinement()
_HIERARCHIES = Path("/sys/fs/cgroup")

logger = logging.getLogger(__name__)


class DockerImages:
    """Fulfils the port Images. `folder` is shared by all attempts of an agent.

    Where previews are required to be kept apart, no build has Docker fetch from addresses, which it
    does in the agent's own network. The classic builder cannot be kept from that.
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
        cluster: str | None = None,
        confined: Confinement = _DEFAULT,
    ) -> None:
        self._daemon = daemon
        self._confined = confined
        self._network = PreviewNetwork(cluster, confined)
        self._folder = folder
        self._environ = environ
        self._signals = signals
        self._log = log
        self._custody = custody
        self._buildkit: BuildKit | None = None

    def exists(self, tag: str) -> bool:
        """Tell whether an image of that tag is there. Raises AgentUnfit, DockerUnavailable."""
        try:
            with daemon_errors():
                client = self._daemon.client()
                client.inspect_image(tag)  # type: ignore[no-untyped-call]  # as types-docker has it
        except ImageNotFound:
            return False
        except APIError as exc:
            raise AgentUnfit(f"its images cannot be looked at: {explanation(exc)}") from exc
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

    def check_builds(self) -> None:
        """Raise BuildExposed where a build would. For before a commit is fetched to be built.

        What else is to be said of builds on this agent, build() says. Raises DockerUnavailable.
        """
        if self._confined.builds and self._confined.required:
            self._confine()

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
        Raises BuildFailed, BuildExposed, AgentUnfit, RegistryUnreachable, DockerUnavailable,
        Stopped.
        """
        try:
            self._build(context, spec, limit=limit, at_step=at_step)
        except BuildFailed as exc:
            # What a step says of a full disk is in its own words, and it may have filled it itself:
            # then there is room again by now.
            if exc.exit_code is not None and self._is_disk_full():
                raise AgentUnfit("its disk is full, and a step of the build failed") from exc
            raise

    def _is_disk_full(self) -> bool:
        """Tell whether Docker's disk is full, as far as this program may see it."""
        with contextlib.suppress(OSError, KeyError, APIError, DockerUnavailable), daemon_errors():
            return measure(Path(self._daemon.client().info()["DockerRootDir"])).is_full
        return False

    def _build(
        self, context: Context, spec: ImageSpec, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        # Though it was checked: somebody may have flushed the rules while the commit was fetched.
        if self._confined.builds:
            self._confine()
        buildkit = self._buildkit or self._find_buildkit()
        if buildkit.available():
            buildkit.build(
                context,
                spec,
                limit=limit,
                signals=self._signals,
                log=self._log,
                at_step=at_step,
                group=self._find_group(),
            )
            return
        self._tell_what_classic_lacks(spec)
        from executor.classic import ClassicBuild

        classic = ClassicBuild(self._daemon, signals=self._signals, log=self._log, at_step=at_step)
        classic.build(context, spec, limit=limit)

    def _tell_what_classic_lacks(self, spec: ImageSpec) -> None:
        if spec.secrets:
            self._log.header(
                "the build gets none of the app's secrets: this agent has no BuildKit, which keeps "
                "them out of images"
            )
        if self._confined.build_group:
            logger.warning("builds of this agent are not limited: it has no BuildKit")
            self._log.header(
                "this agent does not limit builds: it has no BuildKit, which puts them in a "
                "control group"
            )

    def _confine(self) -> None:
        """Close the network of the steps, or say that it is open where that may be.

        Raises BuildExposed, DockerUnavailable.
        """
        try:
            with daemon_errors():
                problem = self._network.ensure_builds(self._daemon.client())
        except APIError as exc:
            problem = explanation(exc)
        if problem is None:
            return
        if self._confined.required:
            raise BuildExposed(problem)
        logger.warning("builds of this agent are not kept apart: %s", problem)
        self._log.header(f"this agent does not keep builds apart: {problem}")

    def _find_group(self) -> str:
        """Return below which group the steps are to be; says where that limits nothing.

        That there is a group says little: builds leave one behind in each hierarchy of v1, and
        systemd starts a slice that it has no unit of.
        """
        group = self._confined.build_group
        if not group or _has_limits(group):
            return group
        problem = f"it has no control group {group} with limits"
        logger.warning("builds of this agent are not limited: %s", problem)
        self._log.header(f"this agent does not limit builds: {problem}")
        return ""

    def _find_buildkit(self) -> BuildKit:
        # Imported where there is something to build: a warm start waits for nothing of it.
        from executor.buildkit import BuildKit

        state, apart = self._folder / "buildx", self._confined.required
        return BuildKit(self._daemon.host, state, self._environ, self._custody, apart=apart)


def _has_limits(group: str) -> bool:
    hierarchies = map(str, (_HIERARCHIES, *_HIERARCHIES.glob("*")))
    for copy in cgroup.copies(group, hierarchies):
        for name in cgroup.LIMITS:
            # Most hierarchies have neither, and a group may go away meanwhile.
            with contextlib.suppress(OSError):
                if cgroup.is_limit(Path(copy, name).read_text()):
                    return True
    return False
