"""The settings that count: those of a commit, with the app's as defaults. Pure."""

from collections.abc import Iterable
from typing import NamedTuple, get_args

from framework.apps.manifest import Bounds
from prevs.apps import Warm
from prevs.commit_settings import CommitSettings
from prevs.companions import Companion
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.messages import BuildOrder
from prevs.records import AppRecord, PreviewRecord

_NO_SETTINGS = CommitSettings()


class Effective(NamedTuple):
    """`cpus` is a share, `mem` in MB, both of all containers together; `start_limit` in seconds."""

    port: int
    health: str
    start_limit: float
    cpus: float
    mem: int


def resolve(app: AppRecord, settings: CommitSettings | None) -> Effective:
    """Return the settings of a preview of `app`; `settings` are its commit's, None if not read yet.

    The commit's settings are within the bounds that the app had when they were read.
    """
    own = settings or _NO_SETTINGS
    limit = own.start_limit
    cpus, mem = resources(app, own)
    return Effective(
        port=app.port if own.port is None else own.port,
        health=app.health if own.health is None else own.health,
        start_limit=BuildOrder.start_limit if limit is None else limit,
        cpus=cpus,
        mem=mem,
    )


def resources(
    app: AppRecord, settings: CommitSettings | JobSettings | JobRecord | None
) -> tuple[float, int]:
    """Return the share of CPU and the MB of memory of a preview or a job, as `resolve` does.

    Those of a preview are its application's and its companions' together, and so are those of a job
    with companions of its own.
    """
    if isinstance(settings, JobRecord):
        own = own_resources(app, settings.terms)
        return own if settings.beside else add_companions(own, settings.settings.run.companions)
    cpus, mem = own_resources(app, settings)
    if not isinstance(settings, CommitSettings) or not settings.run.companions:
        return cpus, mem
    return add_companions((cpus, mem), settings.run.companions)


def add_companions(own: tuple[float, int], beside: Iterable[Companion]) -> tuple[float, int]:
    """Return what a container takes together with its companions."""
    cpus, mem = own
    for one in beside:
        cpus, mem = round(cpus + one.cpus, 3), mem + one.mem
    return cpus, mem


def count_ports(settings: CommitSettings | JobSettings | JobRecord | None) -> int:
    """Return how many ports of an agent a preview takes, or a job: none, as nobody reaches it."""
    if settings is None:
        return 1
    if not isinstance(settings, CommitSettings):
        return 0
    return 1 + len(settings.run.services) if settings.run.companions else 1


def own_resources(
    app: AppRecord, settings: CommitSettings | JobSettings | None
) -> tuple[float, int]:
    """Return the share of CPU and the MB of memory of the application or the job alone."""
    own = settings or _NO_SETTINGS
    return (
        app.cpus if own.cpus is None else own.cpus,
        app.mem if own.mem is None else own.mem,
    )


def bounds(app: AppRecord) -> Bounds:
    """Return the upper bounds for the settings of commits; never below the app's own defaults."""
    return Bounds(
        app.name,
        app.folder,
        max(app.cpus, app.max_cpus),
        max(app.mem, app.max_mem),
        own_cpus=app.cpus,
        own_mem=app.mem,
        port=app.port,
    )


def settings_key(app: AppRecord) -> str:
    """Return a cache key: commit settings must be read again when it changes."""
    within = bounds(app)
    own = f"{within.own_cpus:g} {within.own_mem} {within.port}"
    service = f" {app.service}" if app.service else ""
    return f"{within.cpus:g} {within.mem} {own} {within.folder}{service}"


def is_current(app: AppRecord, preview: PreviewRecord) -> bool:
    """Return whether the commit settings of a preview were read for the app as it is now."""
    return preview.settings is not None and preview.settings_for == settings_key(app)


def find_warm(app: AppRecord) -> Warm:
    """Return whose new heads are built ahead: open pull requests', or also all branches'.

    A value of a later version of prevs counts as "off".
    """
    known: tuple[Warm, ...] = get_args(Warm)
    return next((one for one in known if one == app.warm), "off")
