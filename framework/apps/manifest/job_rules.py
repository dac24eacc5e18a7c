"""The rules for values in the [jobs.NAME] of a .prevs.toml, as in rules.py. Pure."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import ValidationInfo

from framework.apps.manifest.rules import enumerate_texts, refuse
from framework.schedules import cron, zones
from prevs.names import is_job_name
from prevs.schedules import Missed, Overlap

T = TypeVar("T")

_FIELDS = 5


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


def check_preemptible(value: bool, info: ValidationInfo) -> bool:
    """Refuse a job that never starts again and yet may be ended to start again later."""
    if value and info.data.get("once"):
        refuse("is only for a job that may start again; leave once out, or preemptible")
    return value


def check_retry_only(value: T, info: ValidationInfo) -> T:
    """Refuse exit codes for retries beside exit codes without."""
    if info.data.get("no_retry"):
        refuse("is only for a job without no_retry; leave one of them out")
    return value


def check_cron(value: str) -> str:
    """Refuse a text that is no cron expression, and one that never comes."""
    if len(value.split()) != _FIELDS or not value.isprintable():
        refuse(
            'must have 5 fields (minute, hour, day, month, day of the week), like "0 6 * * mon-fri"'
        )
    if problem := cron.find_problem(value):
        refuse("{problem}", problem=problem.rstrip("."))
    return value


def check_every(value: int, info: ValidationInfo) -> int:
    """Refuse an interval beside a cron expression."""
    if info.data.get("schedule") is not None:
        refuse("is only for a job without schedule; leave one of them out")
    return value


def check_zone(value: str, info: ValidationInfo) -> str:
    """Refuse a text that is no name of a time zone, and any without a cron expression."""
    if _is_left_out(info, "schedule"):
        refuse("is only for a job with schedule; leave it out, or set schedule")
    if problem := zones.find_problem(value):
        refuse("{problem}", problem=problem.rstrip("."))
    return value


def check_overlap(value: str, info: ValidationInfo) -> str:
    """Refuse a text that is no Overlap."""
    return _check_one_of([one.value for one in Overlap], check_scheduled(value, info))


def check_missed(value: str, info: ValidationInfo) -> str:
    """Refuse a text that is no Missed."""
    return _check_one_of([one.value for one in Missed], check_scheduled(value, info))


def check_scheduled(value: T, info: ValidationInfo) -> T:
    """Refuse a key that is for jobs with a schedule alone."""
    if _is_left_out(info, "schedule") and _is_left_out(info, "every"):
        refuse("is only for a job with schedule or every; leave it out, or set one of these")
    return value


def _check_one_of(allowed: Sequence[str], value: str) -> str:
    if value not in allowed:
        refuse("must be {allowed}, not {given}", allowed=enumerate_texts(allowed), given=value[:60])
    return value


def _is_left_out(info: ValidationInfo, key: str) -> bool:
    """Return whether the file does not have a key; False if it has a mistake there."""
    return key in info.data and info.data[key] is None
