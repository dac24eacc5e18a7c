"""A job that somebody starts with other values than its commit's, by the rules of [jobs.NAME]."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from framework.apps.manifest.job_keys import Job
from framework.apps.manifest.rules import Bounds
from framework.apps.manifest.wording import explain, spell
from framework.errors import InvalidSettings, Problem
from prevs.job_settings import JobSettings

_LEFT_OUT: tuple[object, ...] = (None, "", [])
"""What stands for a key that the table does not have."""


def change_job(job: JobSettings, changes: Mapping[str, object], bounds: Bounds) -> JobSettings:
    """Return the settings of a job with some of them changed, and without its schedule.

    `changes` has fields of JobSettings with the types of a table; one with None stays as it is.
    Raises InvalidSettings.
    """
    known = {**dataclasses.asdict(job), "schedule": None}
    given = {name: value for name, value in changes.items() if value is not None}
    table = {name: _write(value) for name, value in {**known, **given}.items()}
    try:
        read = Job.model_validate(
            {name: value for name, value in table.items() if value not in _LEFT_OUT},
            context=bounds,
        )
    except ValidationError as error:
        raise InvalidSettings(list(map(_read, error.errors(include_url=False)))) from None
    return read.settings()


def _write(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _read(problem: Mapping[str, Any]) -> Problem:
    path = problem["loc"]
    return Problem(str(path[0]), explain(problem, path).removeprefix(f"{spell(path)} "))
