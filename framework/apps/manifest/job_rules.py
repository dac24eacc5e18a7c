"""The rules for values in the [jobs.NAME] of a .prevs.toml, as in rules.py. Pure."""

import re
from typing import TypeVar

from pydantic import ValidationInfo

from framework.apps.manifest.rules import refuse
from prevs.names import is_job_name

T = TypeVar("T")

_FIELDS = 5
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)


def check_jobs(value: object) -> object:
    """Refuse what is not a table for each job."""
    if not isinstance(value, dict):
        refuse("must be a table for each job: [jobs.NAME] on a line of its own, its keys below it")
    return value


def check_job_name(value: str) -> str:
    """Refuse a text that is no name of a job, nor of a group of jobs."""
    if not is_job_name(value):
        refuse(
            "is not a name: use 1 to 40 characters of a-z, 0-9 and -, and no - at the beginning "
            "or the end"
        )
    return value


def check_once(value: bool, info: ValidationInfo) -> bool:
    """Refuse a job that never starts again and yet has retries."""
    if value and info.data.get("retries"):
        refuse("is only for a job without retries; leave retries out, or once")
    return value


def check_retry_only(value: T, info: ValidationInfo) -> T:
    """Refuse exit codes for retries beside exit codes without."""
    if info.data.get("no_retry"):
        refuse("is only for a job without no_retry; leave one of them out")
    return value
