"""Where a label leads, and what a job there is. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework.apps import effective_settings, manifest
from framework.apps.manifest import Bounds, Manifest
from framework.errors import (
    FrameworkError,
    InvalidSettings,
    Problem,
    RepositoryUnreachable,
    UnknownLabel,
)
from framework.jobs.errors import CommitSettingsInvalid, UnknownJobName
from prevs.job_settings import JobSettings
from prevs.records import AppRecord, Failure
from prevs.states import Cause

_NO_CHANGES: Mapping[str, object] = MappingProxyType({})


class Lead(NamedTuple):
    """The commit to which `label` leads, all `refs` that do, and what the commit says."""

    label: str
    sha: str
    refs: tuple[str, ...]
    manifest: Manifest


def find_terms(
    app: AppRecord,
    lead: Lead,
    *,
    job: str = "",
    command: Sequence[str] = (),
    changes: Mapping[str, object] = _NO_CHANGES,
) -> JobSettings:
    """Return what runs: the `command`, or else the commit's `job`; all numbers are final.

    `changes` are as in manifest.change_job. Raises UnknownJobName, InvalidSettings.
    """
    if command:
        base = JobSettings(tuple(command))
    else:
        known = lead.manifest.jobs
        if job not in known:
            raise UnknownJobName(app.name, lead.label, job, sorted(known))
        base = known[job]
    within = effective_settings.bounds(app)
    terms = manifest.change_job(base, changes, within)
    companions = lead.manifest.settings.run.companions if terms.companions else ()
    if not companions:
        cpus, mem = effective_settings.own_resources(app, terms)
        return dataclasses.replace(terms, cpus=cpus, mem=mem)
    # Beside its companions it is as the application.
    cpus, mem = effective_settings.own_resources(app, lead.manifest.settings)
    cpus, mem = terms.cpus or cpus, terms.mem or mem
    _check_sum(within, effective_settings.add_companions((cpus, mem), companions))
    return dataclasses.replace(terms, cpus=cpus, mem=mem)


def _check_sum(within: Bounds, taken: tuple[float, int]) -> None:
    """Raise InvalidSettings if a job and its companions take more than the app's commits may."""
    problems = [
        Problem(
            key,
            f"and the companions' take {total:g} {what} together; this app's commits may have at "
            f"most {most:g}: choose less, say companions = false in [jobs.NAME], or ask an admin "
            f"to raise its max_{key}",
        )
        for key, total, most, what in (
            ("cpus", taken[0], within.cpus, "CPUs"),
            ("mem", taken[1], within.mem, "MB"),
        )
        if total > most
    ]
    if problems:
        raise InvalidSettings(problems)


def refuse(app: AppRecord, label: str, failure: Failure) -> FrameworkError:
    """Return the error for a commit's settings that could not be read."""
    if failure.cause is Cause.COMMIT_MISSING:
        return UnknownLabel(app.name, label, failure.message)
    if failure.cause in {Cause.SETTINGS_INVALID, Cause.DOCKERFILE_MISSING}:
        return CommitSettingsInvalid(app.name, label, failure.message, failure.mistakes)
    before = str(RepositoryUnreachable(app.name, app.repository, ""))
    return RepositoryUnreachable(app.name, app.repository, failure.message.removeprefix(before))
