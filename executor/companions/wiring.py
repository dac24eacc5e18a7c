"""Puts an application that serves beside its companions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from executor.attempt.serve import Serve
from executor.companions.companion_images import CompanionImages, CompanionSources
from executor.companions.lifetime import Companions, Part, WithCompanions
from executor.companions.pod import DiskShare, PodContainers, PodVolumes
from executor.companions.readiness import Readiness
from executor.companions.running import RunningCompanions
from executor.ports import Containers, Log


class Edges(NamedTuple):
    """What companions need of the executor.

    `containers` returns those whose output goes to a log, with the `add` of DockerContainers.
    `log_of` returns the part of the attempt's log that a companion of that name writes.
    """

    containers: Callable[[Log, Callable[[str, int], int]], Containers]
    log_of: Callable[[str], Log]
    sources: CompanionSources
    readiness: Readiness


def add_companions(serve: Serve, edges: Edges) -> WithCompanions:
    """Return the use of an attempt that serves beside the companions of its commit."""
    share = DiskShare()
    attempt, log, signals, now = serve.attempt, serve.log, serve.signals, serve.now
    running = RunningCompanions(log=log, signals=signals, now=now, grace=attempt.order.stop_grace)

    def part(name: str) -> Part:
        own = edges.log_of(name)
        return Part(edges.containers(own, share.note), own)

    companions = Companions(
        attempt,
        running=running,
        images=CompanionImages(attempt, edges.sources, serve.reports, log),
        volumes=serve.volumes,
        part=part,
        readiness=edges.readiness,
        reports=serve.reports,
        log=log,
        signals=signals,
        now=now,
    )
    containers = edges.containers(log, share.note)
    beside = serve._replace(
        containers=PodContainers(attempt, containers, running),
        volumes=PodVolumes(serve.volumes, companions.have_volumes),
    )
    return WithCompanions(beside, companions, running)
