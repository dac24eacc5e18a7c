"""Builds with BuildKit, by the buildx command.

docker-py has only the classic builder (https://github.com/docker/docker-py/issues/2230).
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from executor.attempt.context import read_dockerfile
from executor.builds import build_log, build_policy, dockerfile
from executor.builds.own_steps import OwnSteps
from executor.errors import AgentUnfit, ExecutorError, Stopped
from executor.limits.confinement import Confinement
from executor.limits.daemon_firewall import Refusal
from executor.ports import Context, ImageSpec, Log, Signals
from executor.workspace.build_marks import mark_arguments, mark_of
from executor.workspace.processes import end_group
from executor.workspace.watchdog import MARK

_TAIL = 16384
"""Bytes of output that are kept to find out why a build failed."""

_PLUGIN = "docker-buildx"
_PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""The folders in which the docker command looks for plugins, after the user's own (docker/cli,
cli-plugins/manager/manager_unix.go)."""

_OTHER_BUILDERS = ("DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDX_CONFIG")


class BuildGuard(Protocol):
    """Ends the steps of a build if the build was cut off or its executor was killed."""

    def build_started(self) -> None:
        """Guard the steps of a build that starts now."""
        ...

    def build_ended(self) -> None:
        """Note that the build has ended by itself, and with it its steps."""
        ...


class BuildKit:
    """The docker command's plugin buildx, if this agent has both.

    The constructor starts a process that checks for them. `state` is a folder for the plugin's own
    files, as the executor's user need not have a home folder.
    """

    def __init__(
        self,
        host: str,
        state: Path,
        environ: Mapping[str, str],
        guard: BuildGuard,
        *,
        confined: Confinement,
        explain: Callable[[str], Refusal | None],
    ) -> None:
        """`explain` returns what docker was not let fetch, by its error."""
        self._confined = confined
        self._explain = explain
        self._guard = guard
        self._state = state
        kept = {name: value for name, value in environ.items() if name not in _OTHER_BUILDERS}
        self._environ = {
            **kept,
            "DOCKER_HOST": host,
            "BUILDX_CONFIG": str(state),
            # Without this it looks for a git repository around the tree, which has none.
            "BUILDX_GIT_INFO": "false",
            # Without this buildx itself asks the token service that a registry names, past the
            # rules for docker's own connections (moby/buildkit, session/auth/authprovider).
            "BUILDKIT_NO_CLIENT_TOKEN": "1",
        }
        self._command = find_command(environ)
        self._question: subprocess.Popen[bytes] | None = None
        if shutil.which("docker", path=environ.get("PATH")):
            self._question = subprocess.Popen(
                [*self._command, "version"],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def available(self) -> bool:
        """Return whether this agent can build with BuildKit. Blocks for about 50 ms."""
        return self._question is not None and self._question.wait() == 0

    def build(
        self,
        context: Context,
        spec: ImageSpec,
        *,
        limit: float,
        signals: Signals,
        log: Log,
        at_step: Callable[[str], None],
        group: str = "",
    ) -> None:
        """Build an image, with its steps below the control group `group` ("": docker's own)."""
        variables = {build_policy.VARIABLE: str(self._write_policy(spec.registry))}
        options = [*_options(context, spec, self._arguments(spec), group), str(context.folder)]
        self._guard.build_started()
        process = self._start(options, {**variables, **_secrets(spec)})
        running = _Running(process, log, at_step, OwnSteps(read_dockerfile(context)))
        try:
            tail = running.follow(limit, signals)
        finally:
            if not running.is_cut:
                self._guard.build_ended()
        signals.check()
        if running.is_expired:
            raise build_log.too_slow(limit)
        if process.returncode != 0:
            raise self._find_failure(process.returncode, tail, context, log)

    def _find_failure(self, code: int, tail: bytes, context: Context, log: Log) -> ExecutorError:
        """Return why a build failed, by the exit code and the end of its output.

        The log gets a refused source too, as buildx does not print its line.
        """
        if code < 0:
            return AgentUnfit(f"signal {-code} ended its builder")
        output = tail.decode(errors="replace")
        added = dockerfile.find_added(read_dockerfile(context), dockerfile.BUILDKIT)
        failure: ExecutorError | None = None
        if refusal := build_policy.find_refusal(output, added):
            failure = build_log.failure(None, refusal, None)
        elif refused := self._explain(build_log.last_error(output)):
            failure = build_log.refused(refused)
        if failure is None:
            return build_log.buildkit_failure(output)
        log.header(str(failure))
        return failure

    def _arguments(self, spec: ImageSpec) -> Mapping[str, str]:
        """Return the build's arguments, with those that mark its steps and separate its caches."""
        mark = mark_of(self._environ.get(MARK) or os.urandom(8).hex())
        marks = mark_arguments(mark, spec.args, self._environ)
        caches = build_policy.cache_arguments(spec.labels, spec.secrets)
        return {**spec.args, **marks, **caches}

    def _write_policy(self, registry: str) -> Path:
        """Return a file with the policy; builds with the same policy share it."""
        confined = self._confined
        text = build_policy.policy(
            registry,
            fetches=confined.fetches,
            allowed=confined.allowed,
            denied=[*confined.denied, *confined.control_plane],
        )
        self._state.mkdir(parents=True, exist_ok=True)
        file = self._state / f"sources-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        mine = file.with_name(f".{file.name}.{os.getpid()}")
        mine.write_text(text)
        mine.replace(file)
        return file

    def _start(self, options: Sequence[str], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*self._command, "build", "--progress=plain", *options],
                env={**self._environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            # They are too long for the system, or have a zero byte. No message contains the values.
            why = exc.strerror if isinstance(exc, OSError) else "a zero byte"
            error = f"the builder cannot take its arguments or secrets ({why})"
            raise build_log.failure(None, error, None) from None


def find_command(environ: Mapping[str, str], folders: Sequence[str] = _PLUGINS) -> Sequence[str]:
    """Return the command for buildx: the plugin itself, else the docker command, which finds it.

    `folders` are the plugin folders of all users.

    The docker command starts a plugin twice, first for its metadata ("Docker CLI Plugin Spec",
    Required sub-commands), and each build would wait for that. buildx takes the same arguments if
    it is called directly (docker/buildx, README: standalone).
    """
    own = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/"), ".docker"))
    for folder in (str(own / "cli-plugins"), *folders):
        if os.access(plugin := Path(folder, _PLUGIN), os.X_OK):
            return (str(plugin),)
    return "docker", "buildx"


class _Running:
    """The plugin while it builds. Its output goes to the log, with the names of our own `steps`.

    `is_cut` is whether it was ended before its end, `is_expired` whether its limit was the reason.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        log: Log,
        at_step: Callable[[str], None],
        steps: OwnSteps,
    ) -> None:
        self.is_cut = False
        self.is_expired = False
        self._process = process
        self._log = log
        self._at_step = at_step
        self._progress = build_log.Progress(steps.name)

    def follow(self, limit: float, signals: Signals) -> bytes:
        """Block until it has ended, for `limit` seconds at most; return the end of its output.

        Raises Stopped once it has ended, if the attempt was stopped before the build started.
        """
        timer = threading.Timer(limit, self._expire)
        timer.daemon = True
        timer.start()
        try:
            with signals.interrupting(self._cut):
                return self._read()
        except Stopped:
            self._cut()
            self._read()
            raise
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.is_cut = True
        end_group(self._process)

    def _expire(self) -> None:
        self.is_expired = True
        self._cut()

    def _read(self) -> bytes:
        """Copy its output to the log until it ends; return the end of the output."""
        tail = b""
        with self._process as process:
            while process.stdout and (data := os.read(process.stdout.fileno(), 65536)):
                shown, step = self._progress.read(data)
                self._log.write(shown)
                tail = (tail + shown)[-_TAIL:]
                if step:
                    self._at_step(str(step))
        rest = self._progress.end()
        self._log.write(rest)
        return tail + rest


def _options(
    context: Context, spec: ImageSpec, args: Mapping[str, str], group: str
) -> Iterator[str]:
    """Yield the command's options.

    Other users of the agent can see the values of build arguments in them. That is no loss: they
    come from the repository, and the image's history has them. buildx would take them from
    environment variables too. But then a commit could set variables of the docker command itself,
    and make it load a library.
    """
    if group:
        yield f"--cgroup-parent={group}"
    yield f"--tag={spec.tag}"
    yield f"--file={context.dockerfile}"
    yield from (f"--label={name}={value}" for name, value in spec.labels.items())
    yield from (f"--build-arg={name}={value}" for name, value in args.items())
    if spec.target:
        yield f"--target={spec.target}"
    for number, name in enumerate(spec.secrets):
        yield f"--secret={_fields(id=name, env=_variable(number))}"


def _secrets(spec: ImageSpec) -> Mapping[str, str]:
    return {_variable(number): value for number, value in enumerate(spec.secrets.values())}


def _variable(number: int) -> str:
    """Return the variable that gives a secret to buildx. Its own name may mean something there."""
    return f"PREVS_SECRET_{number}"


def _fields(**fields: str) -> str:
    """Return fields as a line of CSV, as buildx reads them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(f"{name}={text}" for name, text in fields.items())
    return line.getvalue()
