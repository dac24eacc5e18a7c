"""Provides the images of an attempt's companions: pulled, or built of the same commit."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from executor.attempt.attempt import Attempt
from executor.attempt.throttle import Throttle
from executor.builds import build_policy
from executor.companions import image_names, specs
from executor.companions.companion_errors import (
    CompanionImageMissing,
    CompanionRegistryUnreachable,
)
from executor.companions.image_pull import ImagePull, Wanted
from executor.limits.confinement import Confinement
from executor.ports import Log, Reports
from prevs import names
from prevs.companions import APPLICATION, Companion
from prevs.states import Phase

_STEP_PAUSE = 1.0
"""Seconds between reports of how far a pull is: each one is acknowledged and stored."""

_LINE_PAUSE = 5.0
"""Seconds between lines of it in the log."""

_ROOM = "the agent's disk is nearly full: removing what has not been used for long"
_NOT_PULLED = (
    "this agent does not pull it, because Docker would do so in the agent's own network, or "
    "because it holds images of commits"
)
_NAMED = (
    "Use a registry with a name (the agent's operator can allow an address: PREVS_ALLOW), push, "
    "and open the new commit's address"
)


class Provider(Protocol):
    """Provides one image of a commit; see executor/attempt/image_provider.py."""

    def ensure(self) -> None:
        """Return once the image is on the agent. Raises ExecutorError, Stopped."""
        ...


class CompanionSources(NamedTuple):
    """Where companions' images come from.

    `hold` keeps an image of a tag on the agent. `stage` returns the provider of an attempt's image
    with its stage. `confined` is that of builds. `make_room` is as in ImageSources. `close` closes
    what docker connects to, or raises what DockerImages.close_pulls() raises.
    """

    hold: Callable[[str], None]
    stage: Callable[[Attempt], Provider]
    pulls: ImagePull
    confined: Confinement
    make_room: Callable[[Callable[[], None]], None]
    close: Callable[[], None]


class PulledImage(NamedTuple):
    """Fulfils Provider of executor/attempt/course.py for an application that is an image alone."""

    images: CompanionImages

    def ensure(self) -> None:
        """Return once the image is on the agent, with the tag that the attempt wants.

        Raises ExecutorError, Stopped.
        """
        attempt = self.images.attempt
        found = self.images.ensure_pulled(APPLICATION, attempt.order.run.image)
        if found == attempt.order.run.image:
            self.images.sources.hold(attempt.image)
            self.images.sources.pulls.name(found, attempt.image)

    def sharing(self) -> contextlib.AbstractContextManager[None]:
        """Share nothing: it has a registry of its own."""
        return contextlib.nullcontext()

    def wait_for_push(self) -> None:
        """There is none."""


class CompanionImages(NamedTuple):
    """The images of one attempt's companions."""

    attempt: Attempt
    sources: CompanionSources
    reports: Reports
    log: Log

    def ensure(self, companion: Companion) -> str:
        """Return the tag of a companion's image once that is on the agent.

        An image in a registry is pulled if the agent does not have it. Only if its tag is `latest`
        the registry is asked each time. Raises ExecutorError, Stopped.
        """
        if companion.image:
            return self.ensure_pulled(companion.name, companion.image)
        built = specs.image_of(self.attempt, companion)
        if built == self.attempt:
            return built.image
        self.sources.hold(built.image)
        self.sources.stage(built).ensure()
        return built.image

    def ensure_pulled(self, who: str, image: str) -> str:
        """Return the name of an image on the agent once it is there, for `who` of the commit.

        One that the agent's Docker has under that very name is taken as it is, as FROM does: its
        operator has loaded, built or pulled it, and without a registry there is no other. prevs
        gives what it pulls names of its own, and the policy keeps images of commits out. What has
        come from a registry may have come with a login, so a stranger's commit gets only an image
        that never had one: of those Docker knows no digest of a registry. Raises ExecutorError,
        Stopped.
        """
        wanted = self._want(who, image)
        if self.sources.pulls.is_own(wanted):
            self.log.header(f"{image} for {who} is this agent's own image")
            return image
        # Before the check whether it exists: from now on no executor removes it.
        self.sources.hold(wanted.tag)
        pulls = self.sources.pulls
        if wanted.name.floats:
            self.sources.close()
            return self._refresh(wanted)
        if not pulls.has(wanted, wanted.name.digest):
            self.sources.close()
            self._pull(wanted, pulls.resolve(wanted))
        return wanted.tag

    def _refresh(self, wanted: Wanted) -> str:
        """Pull what the tag means by now; without its registry, what is there is good enough.

        Each image that it has meant has a tag of its own: without one, nobody would remove it.
        """
        pulls = self.sources.pulls
        try:
            digest = pulls.resolve(wanted)
        except CompanionRegistryUnreachable as exc:
            if not pulls.has(wanted, ""):
                raise
            self.log.header(f"{wanted.text} is as it was pulled before: {exc.why}")
            return wanted.tag
        own = wanted._replace(tag=self._tag(f"{wanted.text}@{digest}"))
        self.sources.hold(own.tag)
        if not pulls.has(own, digest):
            self._pull(own, digest)
        pulls.tag(wanted, digest)
        return own.tag

    def _tag(self, image: str) -> str:
        trusted = self.attempt.order.trusted
        return names.pulled_tag(image, self.attempt.cluster, trusted=trusted)

    def _want(self, who: str, image: str) -> Wanted:
        name = image_names.read_name(image)
        if name is None:
            why = "that is not the name of an image"
            raise CompanionImageMissing(who, image, why)
        if image_names.is_denied(name, self._policy()):
            raise CompanionImageMissing(who, image, _NOT_PULLED, _NAMED)
        return Wanted(who, image, name, self._tag(image))

    def _policy(self) -> str:
        confined = self.sources.confined
        return build_policy.policy(
            self.attempt.order.registry,
            allowed=confined.allowed,
            denied=[*confined.denied, *confined.control_plane],
        )

    def _pull(self, wanted: Wanted, digest: str) -> None:
        self.sources.make_room(lambda: self.log.header(_ROOM))
        self.log.header(f"pulling {wanted.text} for {wanted.companion} ({digest})")
        message = f"Pulling {wanted.text} for {wanted.companion}."
        self.reports.progress(Phase.FETCHING, message, detail=f"pulling {wanted.text}")

        def report(step: str) -> None:
            detail = f"pulling {wanted.text}: {step}"
            self.reports.progress(Phase.FETCHING, f"{message[:-1]}: {step}.", detail=detail)

        def write(step: str) -> None:
            self.log.write(f"{step}\n".encode())

        told: deque[str] = deque(["it was there"], maxlen=1)
        with Throttle(report, _STEP_PAUSE) as steps, Throttle(write, _LINE_PAUSE) as lines:

            def tell(step: str) -> None:
                told.append(step)
                steps.update(step)
                lines.update(step)

            self.sources.pulls.pull(
                wanted, digest, limit=self.attempt.order.fetch_limit, at_step=tell
            )
        self.log.header(f"pulled {wanted.text}: {told[-1]}")
