"""The task of a job's attempt, from the records and the launch that matching chose. No I/O."""

import dataclasses
from collections.abc import Iterable, Mapping

from framework.apps import effective_settings
from framework.apps.app_secrets import AppSecrets
from framework.attempts.tasks import Origin, give, give_addresses
from framework.jobs import conventions
from framework.matching.match import Launch
from framework.ports.tasks import Task
from framework.stacks.variables import find_variables
from framework.state.jobs.sealed_payloads import Given
from prevs.jobs import JobRecord
from prevs.messages import BuildOrder
from prevs.records import AppRecord
from prevs.stacks import StackRecord
from prevs.work import Work

START_SECONDS = 60.0
"""How long a container may take to start, after its image is there."""


def describe(
    app: AppRecord,
    job: JobRecord,
    launch: Launch,
    origin: Origin,
    *,
    given: tuple[AppSecrets, Given, Iterable[StackRecord]],
    fetches: bool,
    ref: str = "",
    linger: float = 0.0,
) -> Task:
    """Return the task of the attempt that `job` records (its task_id must be set).

    `given` are what its app and what it alone is given, and the stacks of its app, whose addresses
    it gets. `ref` is as in BuildOrder, `linger` as in Work.
    """
    of_app, of_job, stacks = given
    order = dataclasses.replace(
        _order(app, job, launch, origin),
        ref=ref,
        work=dataclasses.replace(_work(job, of_job.payload, of_job.environment), linger=linger),
    )
    return Task(
        id=job.task_id or "",
        agent_id=launch.agent_id,
        framework_id=origin.framework_id,
        order=give_addresses(
            give(order, of_app, job.refs), find_variables(stacks, app.name, "", origin.addresses)
        ),
        resources=launch.task_resources,
        executor_resources=launch.executor_resources,
        executor=origin.executor,
        fetches=fetches,
    )


def find_latest_end(job: JobRecord, build_seconds: float) -> float:
    """Return when the attempt that was placed or runs has ended by its own time limits.

    Fetching and building take at most `build_seconds`.
    """
    if job.began is not None:
        return job.began + job.terms.timeout + BuildOrder.stop_grace
    start = START_SECONDS + _companions_seconds(job)
    return job.changed + build_seconds + start + job.terms.timeout + BuildOrder.stop_grace


def _companions_seconds(job: JobRecord) -> float:
    """Return how long companions of its own, and the hooks that fill them, may take to start."""
    run, limit = job.settings.run, job.settings.start_limit
    if job.beside or not run.companions:
        return 0.0
    steps = len(run.companions) + len(run.hooks)
    return steps * (BuildOrder.start_limit if limit is None else limit)


def _order(app: AppRecord, job: JobRecord, launch: Launch, origin: Origin) -> BuildOrder:
    cpus, mem = effective_settings.own_resources(app, job.terms)
    wanted = effective_settings.resolve(app, job.settings)
    return BuildOrder(
        app=app.name,
        sha=job.sha,
        label=job.label,
        repository=app.repository,
        # Beside companions it has the variables of the application, and hooks may run.
        container_port=wanted.port if job.settings.run.companions else 0,
        host=launch.host,
        host_port=0,
        cpus=cpus,
        mem=mem,
        url=origin.addresses.url(job.label, app.name),
        fetch_limit=origin.fetch_limit,
        build_limit=origin.build_limit,
        start_limit=wanted.start_limit,
        folder=app.folder,
        build=job.settings.build,
        run=job.settings.run,
        registry=origin.registry,
        digest="" if job.stranger else job.digest,
        trusted=not job.stranger,
        app_created=app.created,
        control_plane=origin.control_plane,
        proxies=origin.proxies,
    )


def _work(job: JobRecord, payload: str | None, environment: Mapping[str, str]) -> Work:
    work = Work(
        job=job.id,
        command=job.terms.command,
        timeout=job.terms.timeout,
        number=job.tries,
        environment=environment,
        payload=payload,
        stdin=job.stdin,
        before=job.attempts[-1].why if job.attempts else "",
        beside=job.beside,
    )
    return conventions.tell(work, job.convention)
