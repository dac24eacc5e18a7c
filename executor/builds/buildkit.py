"""Builds with BuildKit, by the docker command: docker-py speaks only to the classic builder."""

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
from executor.errors import AgentUnfit, Stopped
from executor.limits.confinement import Confinement
from executor.ports import Context, ImageSpec, Log, Signals
from executor.workspace.build_marks import mark_arguments, mark_of
from executor.workspace.processes import end_group
from executor.workspace.watchdog import MARK

_TAIL = 16384
"""How many bytes of output are kept to find the reason of a failure in."""

_PLUGIN = "docker-buildx"
_PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where the docker command looks for plugins, after the user's own (docker/cli,
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
    """The docker command's plugin buildx, where this agent has both.

    Looks for them as soon as it is made, in a process beside this one. `state` is a folder for
    the plugin's own files: the user that runs it need not have a home.
    """

    def __init__(
        self,
        host: str,
        state: Path,
        environ: Mapping[str, str],
        guard: BuildGuard,
        *,
        confined: Confinement,
    ) -> None:
        self._confined = confined
        self._guard = guard
        self._state = state
        kept = {name: value for name, value in environ.items() if name not in _OTHER_BUILDERS}
        self._environ = {
            **kept,
            "DOCKER_HOST": host,
            "BUILDX_CONFIG": str(state),
            # It would look for a git repository around the tree, which has none.
            "BUILDX_GIT_INFO": "false",
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
        """Tell whether this agent can build with BuildKit. Blocks for some 50 ms."""
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
        """Build an image, its steps below a control group ("": docker's own).

        Raises BuildFailed, AgentUnfit, RegistryUnreachable, DockerUnavailable, Stopped, OSError.
        """
        policy = self._write_policy(self._policy(spec.registry))
        within = [f"--cgroup-parent={group}"] if group else []
        options = [*within, *_options(context, spec, self._arguments(spec)), str(context.folder)]
        self._guard.build_started()
        process = self._start(options, {build_policy.VARIABLE: str(policy), **_secrets(spec)})
        running = _Running(process, log, at_step)
        try:
            tail = running.follow(limit, signals)
        finally:
            if not running.is_cut:
                self._guard.build_ended()
        signals.check()
        if running.is_expired:
            raise build_log.too_slow(limit)
        if process.returncode < 0:
            raise AgentUnfit(f"its builder was ended by signal {-process.returncode}")
        if process.returncode != 0:
            said = tail.decode(errors="replace")
            added = dockerfile.find_added(read_dockerfile(context), dockerfile.BUILDKIT)
            if refusal := build_policy.find_refusal(said, added):
                failure = build_log.failure(None, refusal, None)
                log.header(str(failure))
                raise failure
            raise build_log.buildkit_failure(said)

    def _policy(self, registry: str) -> str:
        confined = self._confined
        return build_policy.policy(
            registry,
            fetches=confined.fetches,
            allowed=confined.allowed,
            denied=[*confined.denied, *confined.control_plane],
        )

    def _arguments(self, spec: ImageSpec) -> Mapping[str, str]:
        """Return the build's own arguments, with those by which its steps and caches are known."""
        mark = mark_of(self._environ.get(MARK) or os.urandom(8).hex())
        marks = mark_arguments(mark, spec.args, self._environ)
        return {**spec.args, **marks, **build_policy.cache_arguments(spec.labels)}

    def _write_policy(self, text: str) -> Path:
        """Return a file with the text; all builds that have the same have one. Raises OSError."""
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
            # Longer than the system takes, or with a zero byte. The values are in no message.
            why = exc.strerror if isinstance(exc, OSError) else "a zero byte"
            said = f"its arguments or secrets cannot be given to the builder ({why})"
            raise build_log.failure(None, said, None) from None


def find_command(environ: Mapping[str, str], folders: Sequence[str] = _PLUGINS) -> Sequence[str]:
    """Return how to call buildx: the plugin itself, else the docker command, which finds it.

    `folders` are those of all users.

    The docker command starts the plugin twice, at first to ask what it is ("Docker CLI Plugin
    Spec", Required sub-commands): each build would wait for that. buildx takes the same words
    without it (docker/buildx, README: standalone).
    """
    own = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/"), ".docker"))
    for folder in (str(own / "cli-plugins"), *folders):
        if os.access(plugin := Path(folder, _PLUGIN), os.X_OK):
            return (str(plugin),)
    return "docker", "buildx"


class _Running:
    """The plugin while it builds; what it says goes to the log.

    `is_cut` tells that it has not ended by itself, `is_expired` that this was for its limit.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], log: Log, at_step: Callable[[str], None]
    ) -> None:
        self.is_cut = False
        self.is_expired = False
        self._process = process
        self._log = log
        self._at_step = at_step

    def follow(self, limit: float, signals: Signals) -> bytes:
        """Return the last of what it says, once it has ended; it has `limit` seconds for that.

        Raises Stopped, when it has ended, where it began although the attempt was over.
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
        """Copy its output to the log until it ends; return the last of it."""
        tail = b""
        steps = build_log.StepReader()
        with self._process as process:
            while process.stdout and (data := os.read(process.stdout.fileno(), 65536)):
                self._log.write(data)
                tail = (tail + data)[-_TAIL:]
                if step := steps.read(data):
                    self._at_step(str(step))
        return tail


def _options(context: Context, spec: ImageSpec, args: Mapping[str, str]) -> Iterator[str]:
    """Yield the command's options.

    The arguments' values are among them, for other users of the agent to see: they are the
    repository's own, and in the image's history. As variables, which buildx takes too, they would
    be the docker command's own: a commit could have it load a library.
    """
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
    """Return the variable that has a secret for the command alone; its own name may mean more."""
    return f"PREVS_SECRET_{number}"


def _fields(**fields: str) -> str:
    """Return fields as buildx reads them: a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(f"{name}={text}" for name, text in fields.items())
    return line.getvalue()
