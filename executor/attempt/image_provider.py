"""Provides an attempt's image: it is on the agent, or is pulled from a registry, or is built."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from executor.attempt.attempt import Attempt, image_spec
from executor.errors import ExecutorError, RegistryFailed
from executor.ports import Checkout, Images, Log, Registry, Reports
from prevs import names
from prevs.states import Phase

_STEP_PAUSE = 1.0
"""Seconds between reports of the steps of a build: each one is acknowledged and stored."""

PUSH_END = 2.0
"""Seconds for a push that was cut off to clean up."""

_BUSY = "another attempt on this agent is building this commit"
_FROM_REGISTRY = "from the registry"
_ROOM = "the agent's disk is nearly full: removing what has not been used for long"

logger = logging.getLogger(__name__)


class ImageSources(NamedTuple):
    """Where images come from. `checkout` is called only for a build.

    `make_room` is called before that: it frees space on the agent's disks if it must, calls its
    argument then, and raises Stopped. `registry` is None if images are not shared.
    """

    checkout: Callable[[], Checkout]
    make_room: Callable[[Callable[[], None]], None]
    images: Images
    registry: Registry | None


class ImageProvider:
    """Provides the image of one attempt.

    `push_end` is how many seconds a push that was cut off gets to clean up.
    """

    def __init__(
        self,
        attempt: Attempt,
        sources: ImageSources,
        *,
        reports: Reports,
        log: Log,
        push_end: float = PUSH_END,
    ) -> None:
        self._push_end = push_end
        self._attempt = attempt
        self._order = attempt.order
        self._sources = sources
        self._reports = reports
        self._log = log
        self._commit = names.short(attempt.order.sha)
        self._whose = f"{attempt.whose} of " if attempt.whose else ""
        self._is_shared = bool(attempt.order.digest)
        self._pushing: threading.Thread | None = None

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
            made_room = self._make_room()
            if self._pull():
                return
            # Before the fetch, which would be for nothing, and again with each try.
            images.check_builds()
            if waited or made_room or self._sources.registry:
                self._reports.progress(Phase.FETCHING, message)
            self._log.header(f"fetching commit {self._commit}")
            with self._sources.checkout().tree(limit=self._order.fetch_limit) as tree:
                self._build(tree)
        self._is_shared = False

    def _make_room(self) -> bool:
        """Free disk space for another image; return whether it had to, which is reported."""
        reported = False

        def report() -> None:
            nonlocal reported
            reported = True
            self._log.header(_ROOM)
            message = f"{_ROOM[0].upper()}{_ROOM[1:]}."
            self._reports.progress(Phase.FETCHING, message, detail=_ROOM)

        self._sources.make_room(report)
        return reported

    def _pull(self) -> bool:
        """Pull the image from the registry; return whether that succeeded."""
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
        self._log.header(f"{self._attempt.shown_image} is {_FROM_REGISTRY}")
        self._reports.shared(digest)
        self._is_shared = True
        return True

    def _build(self, tree: Path) -> None:
        # Imported only for a build: most attempts find their image.
        from executor.attempt.context import find_context
        from executor.attempt.throttle import Throttle

        order, spec = self._order, image_spec(self._attempt)
        context = find_context(tree, order.sha, order.folder, self._attempt.built)
        self._log.header(f"building {self._attempt.shown_image}")
        message = f"Building the image of {self._whose}{self._commit}."
        place = f"{self._attempt.whose}: " if self._whose else ""

        def report(step: str) -> None:
            sentence = f"{message[:-1]}, step {step}."
            self._reports.progress(Phase.BUILDING, sentence, detail=f"{place}{step}")

        self._reports.progress(Phase.BUILDING, message)
        with Throttle(report, _STEP_PAUSE) as steps:
            self._sources.images.build(context, spec, limit=order.build_limit, at_step=steps.update)

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Push the image on another thread, unless the registry has it. The context's end ends it.

        If the push was cut off or failed, the next attempt on this agent pushes the image, as the
        framework knows no digest of it.
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

    def wait_for_push(self) -> None:
        """Wait a short while for a push that was cut off to clean up.

        Call it after `sharing`: the application uses its grace meanwhile.
        """
        if self._pushing is not None:
            self._pushing.join(self._push_end)

    def _push(self, registry: Registry) -> None:
        try:
            digest = registry.push(self._attempt.image, limit=self._order.build_limit)
        except (RegistryFailed, ExecutorError) as exc:
            self._log.header(f"the image is not in the registry: {exc}")
        except Exception:
            # The preview runs without it.
            logger.exception("the image is not in the registry")
        else:
            self._reports.shared(digest)
