"""The images of this agent's docker daemon: reused by tag, else built."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, ImageNotFound

from executor.container.network import PreviewNetwork
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import AgentUnfit, BuildExposed, BuildFailed, DockerUnavailable
from executor.limits import cgroup
from executor.limits.confinement import Confinement
from executor.limits.disk_usage import measure
from executor.ports import Context, ImageSpec, Log, ReportIsolation, Signals, report_nothing
from executor.workspace.locks import locked

if TYPE_CHECKING:
    from executor.builds.buildkit import BuildGuard, BuildKit

_DEFAULT = Confinement()
_SYSTEMS = (
    "it has no BuildKit, and Docker's driver for control groups is systemd, which takes none of "
    "an executor"
)
_USE_LESS = "Have its steps use less, push, and open the new commit's address."

logger = logging.getLogger(__name__)


class DockerImages:
    """Fulfils the port Images. `folder` is shared by all attempts of an agent."""

    def __init__(  # noqa: PLR0913 - wiring; what is not told by its place is given by name
        self,
        daemon: Daemon,
        folder: Path,
        environ: Mapping[str, str],
        guard: BuildGuard,
        *,
        signals: Signals,
        log: Log,
        cluster: str | None = None,
        confined: Confinement = _DEFAULT,
        report_isolation: ReportIsolation = report_nothing,
    ) -> None:
        self._daemon = daemon
        self._confined = confined
        self._network = PreviewNetwork(cluster, confined)
        self._folder = folder
        self._environ = environ
        self._signals = signals
        self._log = log
        self._guard = guard
        self._report_isolation = report_isolation
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
            with self._limited(spec) as group:
                buildkit.build(
                    context,
                    spec,
                    limit=limit,
                    signals=self._signals,
                    log=self._log,
                    at_step=at_step,
                    group=group,
                )
            return
        if spec.secrets:
            self._log.header(
                "the build gets none of the app's variables: this agent has no BuildKit, which "
                "keeps them out of images"
            )
        self._build_classic(context, spec, limit=limit, at_step=at_step)

    def _build_classic(
        self, context: Context, spec: ImageSpec, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        from executor.builds.classic_builder import ClassicBuild

        with self._limited(spec, "" if self._takes_groups() else _SYSTEMS) as group:
            classic = ClassicBuild(
                self._daemon,
                signals=self._signals,
                log=self._log,
                at_step=at_step,
                fetches=self._confined.fetches,
                group=group,
            )
            classic.build(context, spec, limit=limit)

    def _confine(self) -> None:
        """Close the network of the steps, or say that it is open where that may be.

        Raises BuildExposed, DockerUnavailable.
        """
        try:
            with daemon_errors():
                problem = self._network.ensure_builds(self._daemon.client())
        except APIError as exc:
            problem = explanation(exc)
        self._report_isolation("builds_open", problem or "")
        if problem is None:
            return
        if self._confined.required:
            raise BuildExposed(problem)
        logger.warning("builds of this agent are not kept apart: %s", problem)
        self._log.header(f"this agent does not keep builds apart: {problem}")

    def _takes_groups(self) -> bool:
        try:
            with daemon_errors():
                return cgroup.accepts(self._daemon.client().info())
        except APIError:
            return False

    @contextlib.contextmanager
    def _limited(self, spec: ImageSpec, problem: str = "") -> Iterator[str]:
        """Give the control group for the steps of a build, "" where there is none; says so.

        `problem` is why there can be none. A build that fails for want of what the group has not is
        told so: raises BuildFailed.
        """
        from executor.builds.build_limits import Limits, limiting

        with contextlib.ExitStack() as stack:
            limits = Limits("")
            if not problem:
                limits = stack.enter_context(limiting(self._confined, spec.labels))
            self._report_isolation("builds_unlimited", problem or limits.problem)
            if problem := problem or limits.problem:
                logger.warning("builds of this agent are not limited: %s", problem)
                self._log.header(f"this agent does not limit builds: {problem}")
            try:
                yield limits.group
            except (BuildFailed, AgentUnfit) as exc:
                limits.over()
                shortage = limits.shortage(exc.exit_code)
                if not shortage:
                    raise
                self._log.header(shortage)
                # A step that could not even begin looks like a fault of the agent.
                more = str(exc) if isinstance(exc, BuildFailed) else _USE_LESS
                raise BuildFailed(f"{shortage} {more}", exc.exit_code) from exc

    def _find_buildkit(self) -> BuildKit:
        # Imported where there is something to build: a warm start waits for nothing of it.
        from executor.builds.buildkit import BuildKit

        state = self._folder / "buildx"
        return BuildKit(
            self._daemon.host, state, self._environ, self._guard, confined=self._confined
        )
