"""The images of this agent's docker daemon: finds them by tag, and builds them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, ImageNotFound

from executor.attempt.context import read_dockerfile
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import AgentUnfit, BuildExposed, BuildFailed, DockerUnavailable
from executor.limits import cgroup
from executor.limits.confinement import Confinement
from executor.limits.disk_usage import measure
from executor.limits.strangers import AgentOpen, find_opening
from executor.network.preview_network import PreviewNetwork
from executor.ports import Context, ImageSpec, Log, ReportIsolation, Signals, report_nothing
from executor.workspace.locks import locked

if TYPE_CHECKING:
    from executor.builds.buildkit import BuildGuard, BuildKit
    from executor.docker.outbound import Outbound
    from executor.limits.daemon_firewall import Refusal

_DEFAULT = Confinement()
_SYSTEMS = (
    "it has no BuildKit, and Docker's driver for control groups is systemd, which accepts none "
    "from an executor"
)
_USE_LESS = "Make its steps use less, push, and open the new commit's address."

logger = logging.getLogger(__name__)


class DockerImages:
    """Fulfils the port Images. `folder` is shared by all attempts of an agent."""

    def __init__(  # noqa: PLR0913 - wiring; most arguments are given by name
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
        registry: str = "",
    ) -> None:
        self._daemon = daemon
        self._registry = registry
        self._outbound: Outbound | None = None
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
        """Return whether an image of this tag exists. Raises AgentUnfit, DockerUnavailable."""
        try:
            with daemon_errors():
                client = self._daemon.client()
                client.inspect_image(tag)  # type: ignore[no-untyped-call]  # as types-docker has it
        except ImageNotFound:
            return False
        except APIError as exc:
            raise AgentUnfit(f"its images cannot be read: {explanation(exc)}") from exc
        return True

    @contextlib.contextmanager
    def building(self, tag: str, *, busy: Callable[[], None]) -> Iterator[None]:
        """Hold the lock for building `tag` on this agent; blocks until nobody else holds it.

        Calls `busy` once if somebody else holds it. Meanwhile, and while the caller fetches the
        commit, another process looks for BuildKit.
        """
        name = hashlib.sha256(tag.encode()).hexdigest()[:24]
        self._buildkit = self._find_buildkit()
        with locked(self._folder / "locks" / f"image-{name}", self._signals, busy=busy):
            yield

    def check_builds(self) -> None:
        """Raise BuildExposed or AgentOpen if a build would. Call it before fetching the commit.

        Everything else about builds on this agent, build() reports. Raises DockerUnavailable.
        """
        if self._confined.strangers or (self._confined.builds and self._confined.required):
            self._confine()

    def close_pulls(self) -> None:
        """Close what docker connects to, before it pulls what a commit names.

        Raises BuildExposed, AgentOpen, DockerUnavailable.
        """
        if self._confined.strangers or self._confined.builds:
            self._require(self._find_outbound().close)

    def explain(self, error: str) -> Refusal | None:
        """Return what docker was not let fetch, by its error; None if it is not that."""
        return self._find_outbound().explain(error)

    def build(
        self,
        context: Context,
        spec: ImageSpec,
        *,
        limit: float,
        at_step: Callable[[str], None],
    ) -> None:
        """Build an image; the builder's output goes to the attempt's log.

        Calls `at_step` on the caller's thread for each step that starts ("3/5 RUN make").
        Raises BuildFailed, BuildExposed, AgentOpen, AgentUnfit, RegistryUnreachable,
        DockerUnavailable, Stopped.
        """
        try:
            self._build(context, spec, limit=limit, at_step=at_step)
        except BuildFailed as exc:
            # A step reports a full disk in its own words. If it filled the disk itself, there is
            # space again by now.
            if exc.exit_code is not None and self._is_disk_full():
                raise AgentUnfit("its disk is full, and a step of the build failed") from exc
            raise

    def _is_disk_full(self) -> bool:
        """Return whether Docker's disk is full, False if this process cannot see it."""
        with contextlib.suppress(OSError, KeyError, APIError, DockerUnavailable):
            return measure(Path(self._daemon.info()["DockerRootDir"])).is_full
        return False

    def _build(
        self, context: Context, spec: ImageSpec, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        # Checked again: somebody may have flushed the rules while the commit was fetched.
        if self._confined.strangers or self._confined.builds:
            self._confine()
        buildkit = self._buildkit or self._find_buildkit()
        if self._confined.strangers:
            _check_strangers_build(context, has_buildkit=buildkit.available())
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
                explain=self.explain,
                fetches=self._confined.fetches,
                group=group,
            )
            classic.build(context, spec, limit=limit)

    def _confine(self) -> None:
        """Close the network of the steps, and docker's own connections.

        Raises as _require().
        """
        if self._confined.strangers and (opening := find_opening(self._confined)):
            raise AgentOpen(opening)
        self._require(
            lambda: (
                self._network.ensure_builds(self._daemon.client()) or self._find_outbound().close()
            )
        )

    def _require(self, close: Callable[[], str | None]) -> None:
        """Report what stays open, if that is allowed. `close` returns why it does, or None.

        Raises BuildExposed, AgentOpen, DockerUnavailable.
        """
        try:
            with daemon_errors():
                problem = close()
        except APIError as exc:
            problem = explanation(exc)
        self._report_isolation("builds_open", problem or "")
        if problem is None:
            return
        if self._confined.strangers:
            raise AgentOpen(problem)
        if self._confined.required:
            raise BuildExposed(problem)
        logger.warning("builds on this agent are not isolated: %s", problem)
        self._log.header(f"this agent does not isolate builds: {problem}")

    def _takes_groups(self) -> bool:
        try:
            return cgroup.accepts(self._daemon.info())
        except APIError:
            return False

    @contextlib.contextmanager
    def _limited(self, spec: ImageSpec, problem: str = "") -> Iterator[str]:
        """Give the control group for the steps of a build, "" if there is none, and report that.

        `problem` is why there can be none. If a build fails because a limit of the group was
        reached, raises BuildFailed with the limit in its message.
        """
        from executor.builds.build_limits import BuildLimits, apply_limits
        from executor.builds.build_log import KILLED

        with contextlib.ExitStack() as stack:
            limits = BuildLimits("")
            if not problem:
                limits = stack.enter_context(
                    apply_limits(self._confined, spec.labels, self._mark())
                )
            self._report_isolation("builds_unlimited", problem or limits.problem)
            if problem := problem or limits.problem:
                logger.warning("builds on this agent are not limited: %s", problem)
                self._log.header(f"this agent does not limit builds: {problem}")
            try:
                yield limits.group
            except (BuildFailed, AgentUnfit) as exc:
                limits.end()
                shortage = limits.shortage(exc.exit_code)
                if not shortage:
                    raise
                self._log.header(shortage)
                # A step that could not even start looks like a fault of the agent.
                told = str(exc).replace(KILLED, "")
                more = told if isinstance(exc, BuildFailed) else _USE_LESS
                raise BuildFailed(f"{shortage} {more}", exc.exit_code) from exc
            finally:
                if (privileges := limits.privileges()) is not None:
                    self._report_isolation("builds_privileged", privileges)

    def _find_outbound(self) -> Outbound:
        # Imported only for a build or a pull, as is BuildKit.
        from executor.docker.outbound import Outbound

        if self._outbound is None:
            self._outbound = Outbound(self._daemon, self._environ, self._confined, self._registry)
        return self._outbound

    def _mark(self) -> str:
        """Return what the steps of this executor's builds carry, "" if that is not known."""
        from executor.workspace.build_marks import mark_of
        from executor.workspace.watchdog import MARK

        value = self._environ.get(MARK)
        return mark_of(value) if value else ""

    def _find_buildkit(self) -> BuildKit:
        # Imported only for a build, so that a warm start does not wait for it.
        from executor.builds.buildkit import BuildKit

        state = self._folder / "buildx"
        return BuildKit(
            self._daemon.host,
            state,
            self._environ,
            self._guard,
            confined=self._confined,
            explain=self.explain,
        )


def _check_strangers_build(context: Context, *, has_buildkit: bool) -> None:
    """Raise AgentOpen or BuildFailed if a stranger's build would share the results of others."""
    from executor.builds import build_log, dockerfile

    if not has_buildkit:
        raise AgentOpen("it has no BuildKit, which gives strangers a cache of their own")
    if frontend := dockerfile.find_own_frontend(read_dockerfile(context)):
        why = f"a commit of a fork must not choose its own frontend ({frontend[:100]!r})"
        raise build_log.failure(None, why, None)
