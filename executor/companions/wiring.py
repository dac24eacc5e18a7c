"""Puts an application that serves, or the command of a job, beside companions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Union

from executor.attempt.hooks import Hooks
from executor.attempt.serve import Serve
from executor.attempt.work import Work
from executor.companions.companion_images import CompanionImages, CompanionSources
from executor.companions.lifetime import Companions, Part, WithCompanions
from executor.companions.of_job import NoVolumes, Prepared
from executor.companions.pod import JOB, DiskShare, PodContainers, PodVolumes
from executor.companions.readiness import Readiness
from executor.companions.running import RunningCompanions
from executor.ports import Containers, Log, Volumes


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
    share, running = DiskShare(), _running(serve, "preview")
    companions = _companions(serve, edges, share, running, volumes=serve.volumes)
    beside = serve._replace(
        containers=_join(serve, edges, share, running),
        volumes=PodVolumes(serve.volumes, companions.have_volumes),
    )
    return WithCompanions(beside, companions, running)


def add_own_companions(work: Work, edges: Edges) -> WithCompanions:
    """Return the use of a job's attempt beside companions of its own, which begin with nothing.

    The hooks of the commit fill them before the command starts.
    """
    share, running = DiskShare(), _running(work, JOB)
    volumes = NoVolumes()
    companions = _companions(work, edges, share, running, volumes=volumes)
    containers = _join(work, edges, share, running)
    hooks = Hooks(
        work.attempt,
        containers=containers,
        volumes=volumes,
        reports=work.reports,
        log=work.log,
        signals=work.signals,
        now=work.now,
    )
    prepared = Prepared(work._replace(containers=containers), hooks)
    return WithCompanions(prepared, companions, running)


def _running(use: Union[Serve, Work], whose: str) -> RunningCompanions:
    return RunningCompanions(
        log=use.log,
        signals=use.signals,
        now=use.now,
        grace=use.attempt.order.stop_grace,
        whose=whose,
    )


def _join(
    use: Union[Serve, Work], edges: Edges, share: DiskShare, running: RunningCompanions
) -> PodContainers:
    return PodContainers(use.attempt, edges.containers(use.log, share.note), running)


def _companions(
    use: Union[Serve, Work],
    edges: Edges,
    share: DiskShare,
    running: RunningCompanions,
    *,
    volumes: Volumes,
) -> Companions:
    def part(name: str) -> Part:
        own = edges.log_of(name)
        return Part(edges.containers(own, share.note), own)

    return Companions(
        use.attempt,
        running=running,
        images=CompanionImages(use.attempt, edges.sources, use.reports, use.log),
        volumes=volumes,
        part=part,
        readiness=edges.readiness,
        reports=use.reports,
        log=use.log,
        signals=use.signals,
        now=use.now,
    )
