"""Pulls the images of companions: by digest, with the agent's login, within the builds' policy."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional
from urllib.parse import quote, urlencode

from docker.errors import APIError, NotFound

from executor.builds.registry_call import CUT_OFF, NO_ANSWER, SILENCE, RegistryCall
from executor.companions.companion_errors import (
    CompanionImageMissing,
    CompanionRegistryUnreachable,
)
from executor.companions.image_names import ImageName
from executor.docker import blame
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import AgentUnfit, ExecutorError, RegistryFailed, RegistryUnreachable
from executor.limits.daemon_firewall import Refusal
from executor.ports import Signals
from executor.workspace.locks import locked

_RESOLVES = 30.0
"""Seconds for a registry to say what a tag means: it may ask for a login elsewhere first."""

_REFUSED = re.compile(
    r"no basic auth credentials|unauthorized|authentication required|\bdenied\b|incorrect username"
)
"""What registries, and dockerd in their place, answer to a login that they do not accept."""

_BUSY = "another attempt on this agent is pulling it"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_MB = 1_000_000
_WAITS = "Pulling fs layer"
_THERE = frozenset({"Pull complete", "Already exists"})
_LOADED = frozenset({"Download complete", "Verifying Checksum", "Extracting", *_THERE})


class Wanted(NamedTuple):
    """An image that the companion `companion` wants, and the tag of ours that it will have.

    `text` is its name as the commit has it.
    """

    companion: str
    text: str
    name: ImageName
    tag: str


class ImagePull:
    """Pulls images with the daemon; `folder` is shared by all attempts of an agent.

    The login comes from the docker settings of `environ` unless pulls are `anonymous`.
    """

    def __init__(
        self,
        daemon: Daemon,
        environ: Mapping[str, str],
        folder: Path,
        *,
        signals: Signals,
        anonymous: bool,
        explain: Callable[[str], Optional[Refusal]] = lambda _: None,
    ) -> None:
        """`explain` returns what docker was not let fetch, by its error."""
        self._explain = explain
        self._daemon = daemon
        self._environ = environ
        self._folder = folder
        self._signals = signals
        self._anonymous = anonymous

    def resolve(self, wanted: Wanted) -> str:
        """Return the digest of an image in its registry.

        Without a login the registry is asked even about a digest: docker would give an image that
        others have pulled with a login. Raises CompanionImageMissing, CompanionRegistryUnreachable,
        AgentUnfit, DockerUnavailable, Stopped.
        """
        name = wanted.name
        if name.digest and not self._anonymous:
            return name.digest
        text = name.at(name.digest) if name.digest else f"{name.repository}:{name.tag}"
        path = f"/distribution/{quote(text, safe='/:@')}/json"
        call = self._call(path, wanted, "GET")
        with self._judged(wanted, _RESOLVES), self._cuttable(call, _RESOLVES):
            for message in call.messages(_RESOLVES):
                digest = str((message.get("Descriptor") or {}).get("digest", ""))
                if _DIGEST.fullmatch(digest):
                    return digest
            raise RegistryFailed("the daemon reports no digest")

    def pull(
        self, wanted: Wanted, digest: str, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        """Pull an image by its digest, unless it is there, and tag it.

        Blocks for `limit` seconds at most, and while another attempt pulls from this repository.
        Calls `at_step` with how far it is. Raises what resolve() raises.
        """
        repository = wanted.name.repository
        lock = f"pull-{hashlib.sha256(repository.encode()).hexdigest()[:24]}"
        busy = functools.partial(at_step, _BUSY)
        alone = locked(self._folder / "locks" / lock, self._signals, busy=busy)
        with alone, self._judged(wanted, limit):
            if self._inspect(wanted.name.at(digest)) is None:
                self._pull(wanted, digest, limit=limit, at_step=at_step)
            self.tag(wanted, digest)

    def _pull(
        self, wanted: Wanted, digest: str, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        query = urlencode({"fromImage": wanted.name.repository, "tag": digest})
        call = self._call(f"/images/create?{query}", wanted, "POST")
        progress = PullProgress()
        with self._cuttable(call, limit):
            for message in call.messages(SILENCE):
                if step := progress.take(message):
                    at_step(step)

    def has(self, wanted: Wanted, digest: str) -> bool:
        """Return whether the tag is there, and means that digest."""
        with self._judged(wanted, 0.0):
            found = self._inspect(wanted.tag)
        if found is None:
            return False
        names = found.get("RepoDigests") or ()
        return not digest or any(str(name).endswith(f"@{digest}") for name in names)

    def is_own(self, wanted: Wanted) -> bool:
        """Return whether docker has an image under the name that the commit has, not pulled by us.

        A stranger gets none that has a digest of a registry. Raises AgentUnfit, DockerUnavailable.
        """
        if wanted.name.digest:
            return False
        with self._judged(wanted, 0.0):
            found = self._inspect(wanted.text)
        return found is not None and not (self._anonymous and found.get("RepoDigests"))

    def name(self, image: str, tag: str) -> None:
        """Give an image of docker's, which is there, a tag of ours. Raises AgentUnfit."""
        repository, _, version = tag.rpartition(":")
        try:
            with daemon_errors():
                self._daemon.client().tag(image, repository, version)
        except APIError as exc:
            raise AgentUnfit(explanation(exc)) from exc

    def _inspect(self, name: str) -> Optional[Mapping[str, Any]]:
        """Return what docker says of an image, None if it is not there."""
        try:
            with daemon_errors():
                found: Mapping[str, Any] = self._daemon.client().inspect_image(name)  # type: ignore[no-untyped-call]  # as types-docker has it
        except NotFound:
            return None
        return found

    def tag(self, wanted: Wanted, digest: str) -> None:
        """Give the image of a digest, which is there, the tag."""
        repository, _, version = wanted.tag.rpartition(":")
        with self._judged(wanted, 0.0), daemon_errors():
            self._daemon.client().tag(wanted.name.at(digest), repository, version)

    def _call(self, path: str, wanted: Wanted, method: str) -> RegistryCall:
        return RegistryCall(
            self._environ, path, wanted.name.host, method=method, anonymous=self._anonymous
        )

    @contextlib.contextmanager
    def _cuttable(self, call: RegistryCall, limit: float) -> Iterator[None]:
        """Have a call cut at its limit, and by a stop of the attempt."""
        try:
            with call.limited(limit), self._signals.interrupting(call.cut):
                yield
        finally:
            self._signals.check()

    @contextlib.contextmanager
    def _judged(self, wanted: Wanted, limit: float) -> Iterator[None]:
        """Raise what is wrong as our own errors, which name the companion and its image."""
        try:
            yield
        except RegistryFailed as exc:
            if refused := self._explain(f"{wanted.text} {exc.why}"):
                raise CompanionImageMissing(wanted.companion, wanted.text, *refused) from exc
            raise judge(wanted, exc.why, limit) from exc
        except APIError as exc:
            why = explanation(exc)
            raise blame.find_call_fault(exc.status_code, why) or AgentUnfit(why) from exc


def judge(wanted: Wanted, why: str, limit: float) -> ExecutorError:
    """Return the failure of a pull: of the registry, of the agent, or of the name."""
    if why in (NO_ANSWER, CUT_OFF):
        # The registry is silent, or slower than the limit.
        why = f"its registry did not send it within {limit:g} s"
        return CompanionRegistryUnreachable(wanted.companion, wanted.text, why)
    fault = None if _REFUSED.search(why) else blame.find_fault(why)
    if isinstance(fault, RegistryUnreachable):
        return CompanionRegistryUnreachable(wanted.companion, wanted.text, fault.why)
    return fault or CompanionImageMissing(wanted.companion, wanted.text, _one_line(why))


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
    return (line if len(line) <= 300 else f"{line[:299]}…").rstrip(".")


class PullProgress:
    """Takes the messages of one pull (docker's API, POST /images/create)."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def take(self, message: Mapping[str, Any]) -> str:
        """Return how far the pull is after one more message; "" if there is nothing to tell."""
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        detail = message.get("progressDetail") or {}
        if status == "Downloading" and isinstance(detail, Mapping):
            self._layers[layer] = (_number(detail, "current"), _number(detail, "total"))
        elif status == _WAITS:
            self._layers.setdefault(layer, (0, 0))
        elif status in _LOADED:
            _, total = self._layers.get(layer, (0, 0))
            self._layers[layer] = (total, total)
            if status in _THERE:
                self._done.add(layer)
        else:
            return ""
        return self._describe()

    def _describe(self) -> str:
        loaded = sum(current for current, _ in self._layers.values())
        total = sum(total for _, total in self._layers.values())
        layers = f"{len(self._done)}/{len(self._layers)} layers"
        return f"{layers}, {loaded / _MB:.0f} of {total / _MB:.0f} MB" if total else layers


def _number(detail: Mapping[str, Any], name: str) -> int:
    value = detail.get(name)
    return value if isinstance(value, int) else 0
