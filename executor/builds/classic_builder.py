"""Builds with the daemon's classic builder, on agents without BuildKit."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from docker.api import APIClient
from docker.errors import APIError

from executor.attempt.context import LONGEST, read_dockerfile
from executor.builds import build_log, build_policy, dockerfile
from executor.docker import blame
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.limits.daemon_firewall import Refusal
from executor.ports import Context, ImageSpec, Log, Signals

_STEP = re.compile(r"Step (\d+/\d+) : (.*)")


class ClassicBuild:
    """One build by docker-py. The daemon ends the build when its response is closed.

    It knows no cache mounts, so they are left out of the Dockerfile.

    The classic builder has no policy for what it may fetch. So unless `fetches`, a Dockerfile that
    adds something from an address is not built. The steps are below the control group `group` ("":
    docker's own). `explain` returns what docker was not let fetch, by its error.
    """

    def __init__(
        self,
        daemon: Daemon,
        *,
        signals: Signals,
        log: Log,
        at_step: Callable[[str], None],
        explain: Callable[[str], Refusal | None],
        fetches: bool = False,
        group: str = "",
    ) -> None:
        self._explain = explain
        self._fetches = fetches
        self._group = group
        self._daemon = daemon
        self._signals = signals
        self._log = log
        self._at_step = at_step
        self._response: requests.Response | None = None
        self._cancelled = threading.Event()
        self._step: build_log.Step | None = None

    def build(self, context: Context, spec: ImageSpec, *, limit: float) -> None:
        """Build an image. Its steps get no secrets.

        Raises BuildFailed, AgentUnfit, RegistryUnreachable, DockerUnavailable, Stopped.
        """
        if not self._fetches:
            self._refuse_addresses(context)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._cancel()

        timer = threading.Timer(limit, expire)
        timer.daemon = True
        timer.start()
        try:
            with self._signals.interrupting(self._cancel):
                self._run(context, spec)
        except DockerUnavailable:
            # A response that we cut off looks like a daemon that went away.
            if not self._cancelled.is_set():
                raise
        finally:
            timer.cancel()
        self._signals.check()
        if expired.is_set():
            raise build_log.too_slow(limit)

    def _refuse_addresses(self, context: Context) -> None:
        text = read_dockerfile(context)
        if len(text) > LONGEST:
            raise build_log.failure(None, f"its Dockerfile is longer than {LONGEST:,} bytes", None)
        if added := dockerfile.find_added(text, dockerfile.CLASSIC):
            refusal = build_policy.refusal(added)
            failure = build_log.failure(None, refusal, None)
            self._log.header(str(failure))
            raise failure

    def _run(self, context: Context, spec: ImageSpec) -> None:
        with contextlib.ExitStack() as open_now:
            read = open_now.enter_context(_without_caches(context))
            client = open_now.enter_context(contextlib.closing(self._connect()))
            open_now.enter_context(daemon_errors())
            open_now.enter_context(_build_errors())
            try:
                pieces = client.build(
                    path=str(context.folder),
                    dockerfile=str(read),
                    tag=spec.tag,
                    labels=dict(spec.labels),
                    buildargs=dict(spec.args),
                    target=spec.target or None,
                    decode=True,
                    rm=True,
                    forcerm=True,
                )
                self._follow(pieces)
            finally:
                if self._response is not None:
                    self._response.close()

    def _connect(self) -> APIClient:
        """Return a client for this build alone, which can cut its response off."""
        client = self._daemon.new_client()
        # requests calls the hook with the response once its headers have come.
        client.hooks["response"].append(self._keep)
        if self._group:
            # docker-py's build() lacks it (https://github.com/docker/docker-py/issues/1539). A
            # client's params are added to each call.
            client.params = {"cgroupparent": self._group}
        return client

    def _follow(self, pieces: Iterator[Any]) -> None:
        for piece in pieces:
            if text := piece.get("stream") or piece.get("status"):
                self._log.write(str(text).encode())
                if match := _STEP.match(str(text)):
                    self._step = build_log.Step(match.group(1), match.group(2))
                    self._at_step(str(self._step))
            if error := piece.get("error"):
                self._log.write(f"{error}\n".encode())
                code = piece.get("errorDetail", {}).get("code")
                if refused := self._explain(f"{self._step} {error}"):
                    raise build_log.refused(refused)
                raise build_log.classic_failure(self._step, str(error), code)

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        self._response = response
        if self._cancelled.is_set():
            self._cancel()

    def _cancel(self) -> None:
        self._cancelled.set()
        response = self._response
        if response is not None:
            # The socket may be closed already. Then nobody reads from it.
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                response.raw.shutdown()


@contextlib.contextmanager
def _without_caches(context: Context) -> Iterator[Path]:
    """Yield a context's Dockerfile, or one outside of the context if it has cache mounts."""
    text = read_dockerfile(context)
    plain = dockerfile.without_caches(text)
    if plain == text or len(text) > LONGEST:
        yield context.dockerfile
        return
    with tempfile.TemporaryDirectory(prefix="prevs-dockerfile-") as folder:
        changed = Path(folder, "Dockerfile")
        changed.write_text(plain)
        yield changed


@contextlib.contextmanager
def _build_errors() -> Iterator[None]:
    """Turn what docker-py raises for a build into BuildFailed, or into an error of the agent."""
    try:
        yield
    except APIError as exc:
        why = explanation(exc)
        fault = blame.find_call_fault(exc.status_code, why)
        raise fault or build_log.failure(None, why, None) from exc
    except UnicodeDecodeError as exc:
        # docker-py reads .dockerignore, and a Dockerfile outside of the context.
        why = "its Dockerfile or .dockerignore is not UTF-8"
        raise build_log.failure(None, why, None) from exc
