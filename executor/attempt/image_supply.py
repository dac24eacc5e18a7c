"""Has an attempt's image on its agent: it is there, or the registry has it, or it is built."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from executor.attempt.attempt import Attempt, image_spec
from executor.attempt.context import find_context
from executor.attempt.paced import Paced
from executor.errors import ExecutorError, RegistryFailed
from executor.ports import Checkout, Images, Log, Registry, Reports
from prevs import names
from prevs.states import Phase

_STEP_PAUSE = 1.0
"""Seconds between reports of the steps of a build: each is acknowledged, and written down."""

_PUSH_END = 2.0
"""Seconds for a push that is cut off to have tidied up."""

_BUSY = "another attempt builds this commit on this agent"
_FROM_REGISTRY = "from the registry"
_ROOM = "removing what was not used for long: the agent's disk is nearly full"

logger = logging.getLogger(__name__)


class Sources(NamedTuple):
    """Where images come from. `checkout` is called only where there is something to build.

    `make_room` before that: it calls what it is given where an agent's disk is too full for more.
    `registry` is None where images are not shared.
    """

    checkout: Callable[[], Checkout]
    make_room: Callable[[Callable[[], None]], None]
    images: Images
    registry: Registry | None


class Supply:
    """The image of one attempt."""

    def __init__(self, attempt: Attempt, sources: Sources, *, reports: Reports, log: Log) -> None:
        self._attempt = attempt
        self._order = attempt.order
        self._sources = sources
        self._reports = reports
        self._log = log
        self._commit = names.short(attempt.order.sha)
        self._is_shared = bool(attempt.order.digest)
        self._pushing: threading.Thread | None = None

    @property
    def shown(self) -> str:
        """The image as the log has it."""
        return names.image_tag(self._order.app, self._commit)

    def ensure(self) -> None:
        """Return once the image is on the agent. Raises ExecutorError, Stopped."""
        images, tag = self._sources.images, self._attempt.image
        if images.exists(tag):
            return
        message = f"Fetching commit {self._commit}."
        self._reports.progress(Phase.FETCHING, message)

        waited = False

        def wait() -> None:
            nonlocal waited
            waited = True
            self._log.header(f"{_BUSY}: waiting for it")
            self._reports.progress(Phase.FETCHING, message, detail=_BUSY)

        with images.building(tag, busy=wait):
            if images.exists(tag):
                return
            told = self._make_room()
            if self._pull():
                return
            # Whatever is fetched is not built then, and fetched anew with each try.
            images.check_builds()
            if waited or told or self._sources.registry:
                self._reports.progress(Phase.FETCHING, message)
            self._log.header(f"fetching commit {self._commit}")
            with self._sources.checkout().tree(limit=self._order.fetch_limit) as tree:
                self._build(tree)
        self._is_shared = False

    def _make_room(self) -> bool:
        """Have room for another image; tell whether that has been said."""
        told = False

        def tell() -> None:
            nonlocal told
            told = True
            self._log.header(_ROOM)
            message = f"{_ROOM[0].upper()}{_ROOM[1:]}."
            self._reports.progress(Phase.FETCHING, message, detail=_ROOM)

        self._sources.make_room(tell)
        return told

    def _pull(self) -> bool:
        """Have the image from the registry; tell whether it is here."""
        registry, order = self._sources.registry, self._order
        if registry is None:
            return False
        message = f"Fetching the image of {self._commit}."
        self._reports.progress(Phase.FETCHING, message, detail=_FROM_REGISTRY)
        try:
            digest = registry.pull(image_spec(self._attempt), order.digest, limit=order.fetch_limit)
        except RegistryFailed as exc:
            self._log.header(f"no image {_FROM_REGISTRY}: {exc.why}")
            return False
        self._log.header(f"{self.shown} is {_FROM_REGISTRY}")
        self._reports.shared(digest)
        self._is_shared = True
        return True

    def _build(self, tree: Path) -> None:
        order, spec = self._order, image_spec(self._attempt)
        context = find_context(tree, order.sha, order.folder, order.build)
        self._log.header(f"building {self.shown}")
        message = f"Building the image of {self._commit}."

        def tell(step: str) -> None:
            told = f"{message[:-1]}, step {step}."
            self._reports.progress(Phase.BUILDING, told, detail=step)

        self._reports.progress(Phase.BUILDING, message)
        with Paced(tell, _STEP_PAUSE) as steps:
            self._sources.images.build(context, spec, limit=order.build_limit, at_step=steps.say)

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Push the image, on a thread beside, unless the registry has it; cut off at the end.

        One that was cut off, or failed, is pushed by the next attempt on this agent: the framework
        knows no digest of it.
        """
        registry = self._sources.registry
        if registry is None or self._is_shared:
            yield
            return
        self._pushing = threading.Thread(
            target=self._push, args=(registry,), daemon=True, name="push"
        )
        self._pushing.start()
        try:
            yield
        finally:
            registry.end()

    def settle(self) -> None:
        """Let a push that was cut off tidy up, for a short while.

        Not within `sharing`: an application that is told to end has its grace meanwhile.
        """
        if self._pushing is not None:
            self._pushing.join(_PUSH_END)

    def _push(self, registry: Registry) -> None:
        try:
            digest = registry.push(self._attempt.image, limit=self._order.build_limit)
        except (RegistryFailed, ExecutorError) as exc:
            self._log.header(f"the image is not in the registry: {exc}")
        except Exception:
            # The preview runs all the same.
            logger.exception("the image is not in the registry")
        else:
            self._reports.shared(digest)
