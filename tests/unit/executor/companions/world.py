"""An agent in memory, on which an attempt with companions runs and takes no time."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from executor.attempt.attempt import Attempt
from executor.attempt.course import Use
from executor.attempt.image_provider import PUSH_END
from executor.attempt.task_states import Outcome
from executor.companions.companion_images import CompanionSources
from executor.companions.image_pull import ImagePull, Wanted
from executor.companions.prefixed_log import PrefixedLog
from executor.companions.readiness import Look
from executor.companions.wiring import Edges, add_companions
from executor.limits.confinement import Confinement
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from tests.fakes.attempts import JumpingSignals
from tests.fakes.containers import App, FakeContainer
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.attempt.world import World

DB = Companion("db", image="postgres:17", ready=("pg_isready",), volumes=("/data",), mem=256)
CACHE = Companion("cache", image="redis:8", ready_port=6379, after=("db",))
WORKER = Companion("worker", command=("work",), environment={"QUEUE": "all"})
DIGEST = f"sha256:{'cd' * 32}"


class FakePulls:
    """A registry that has every image, and what of it is on the agent."""

    def __init__(self, there: set[str]) -> None:
        self.there = there
        self.pulled: list[str] = []
        self.error: Exception | None = None

    def resolve(self, wanted: Wanted) -> str:
        if self.error:
            raise self.error
        return DIGEST

    def has(self, wanted: Wanted, digest: str) -> bool:
        del digest
        return wanted.tag in self.there

    def is_own(self, wanted: Wanted) -> bool:
        return wanted.text in self.there

    def name(self, image: str, tag: str) -> None:
        assert image in self.there
        self.there.add(tag)

    def pull(self, wanted: Wanted, digest: str, *, limit: float, at_step: object) -> None:
        self.pulled.append(wanted.text)
        self.tag(wanted, digest)

    def tag(self, wanted: Wanted, digest: str) -> None:
        del digest
        self.there.add(wanted.tag)


class FakeReadiness:
    """Companions are ready so many seconds after the beginning."""

    def __init__(self, signals: JumpingSignals, after: Mapping[str, float]) -> None:
        self._signals = signals
        self._after = after
        self.looked: list[str] = []

    def look(self, container: str, companion: Companion) -> Look:
        self.looked.append(companion.name)
        ready = self._signals.now() >= self._after.get(companion.name, 0.0)
        return Look(ready, "`pg_isready` exited with code 2", b"no response\n")


class CompanionWorld(World):
    """An agent whose commit has companions."""

    def __init__(
        self, folder: Path, *companions: Companion, apps: Mapping[str, App] | None = None
    ) -> None:
        super().__init__(folder)
        self.tags = {one.name: self._tag(one) for one in companions}
        made = {tag: App(f"{name} is up\n".encode()) for name, tag in self.tags.items()}
        self.containers = self.containers_of(
            {**made, ATTEMPT.image: App(), "work": App(), **(apps or {})}
        )
        self.pulls = FakePulls(set())
        self.ready_after: dict[str, float] = {}
        self.held: list[str] = []
        self.settings = RunSettings(companions=companions)

    def _tag(self, companion: Companion) -> str:
        if not companion.image:
            return ATTEMPT.image
        return names.pulled_tag(companion.image, ATTEMPT.cluster, trusted=True)

    def run(self, attempt: Attempt | None = None, push_end: float = PUSH_END) -> Outcome:
        attempt = attempt or self.attempt
        order = dataclasses.replace(
            attempt.order, run=self.settings, environment={"APP_KEY": "known"}
        )
        return super().run(attempt._replace(order=order), push_end)

    def _use(self, attempt: Attempt) -> Use:
        return add_companions(self._serve(attempt), self._edges())

    def _edges(self) -> Edges:
        self.readiness = FakeReadiness(self.signals, self.ready_after)
        return Edges(
            containers=lambda log, add: self.containers,
            log_of=lambda name: PrefixedLog(self.log, name),
            sources=CompanionSources(
                hold=self.held.append,
                stage=self.provide,
                pulls=cast("ImagePull", self.pulls),
                confined=Confinement(),
                make_room=self._make_room,
                close=lambda: None,
            ),
            readiness=self.readiness,
        )

    def started(self) -> list[str]:
        """Return what has started, by the companions' names."""
        labels = (spec.labels for spec in self.containers.specs)
        return [one.get("prevs.companion", one.get("prevs.hook", "app")) for one in labels]

    def named(self, name: str) -> FakeContainer:
        return self.containers.running[names.container_name(ATTEMPT.task_id, name)]
