"""What holds for a preview: what its commit says, and where that says nothing, its app. Pure."""

from typing import NamedTuple

from framework.apps.manifest import Bounds
from prevs.commit_settings import CommitSettings
from prevs.messages import BuildOrder
from prevs.records import AppRecord, PreviewRecord

_NOTHING_SAID = CommitSettings()


class Effective(NamedTuple):
    """`cpus` is a share, `mem` in MB, `start_limit` in seconds."""

    port: int
    health: str
    start_limit: float
    cpus: float
    mem: int


def resolve(app: AppRecord, settings: CommitSettings | None) -> Effective:
    """Return what holds for a preview of `app` whose commit has these settings, if they are read.

    They are within the app's bounds as those were when they were read.
    """
    said = settings or _NOTHING_SAID
    limit = said.start_limit
    cpus, mem = resources(app, said)
    return Effective(
        port=app.port if said.port is None else said.port,
        health=app.health if said.health is None else said.health,
        start_limit=BuildOrder.start_limit if limit is None else limit,
        cpus=cpus,
        mem=mem,
    )


def resources(app: AppRecord, settings: CommitSettings | None) -> tuple[float, int]:
    """Return the share of CPU and the MB of what `resolve` returns."""
    said = settings or _NOTHING_SAID
    return (
        app.cpus if said.cpus is None else said.cpus,
        app.mem if said.mem is None else said.mem,
    )


def bounds(app: AppRecord) -> Bounds:
    """Return what commits of an app may ask for: never less than what those get that ask not."""
    return Bounds(app.name, app.folder, max(app.cpus, app.max_cpus), max(app.mem, app.max_mem))


def settings_key(app: AppRecord) -> str:
    """Return what of an app its commits' settings are read for: with another they may be others."""
    within = bounds(app)
    return f"{within.cpus:g} {within.mem} {within.folder}"


def is_current(app: AppRecord, preview: PreviewRecord) -> bool:
    """Tell whether what the commit of a preview says is known, for the app as it is now."""
    return preview.settings is not None and preview.settings_for == settings_key(app)
