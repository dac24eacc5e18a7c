"""What somebody writes with PUT /v1/apps/{app}/schedules/{name}, as /docs shows it.

The models check types, and that nothing is given empty. framework.schedules.written_schedule has
the rules and their messages.
"""

import contextlib
import dataclasses
import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from framework.apps.manifest.declared import WHOLE
from framework.http_api.http.examples import order_example
from framework.schedules import cron
from framework.schedules.written_schedule import (
    LONGEST,
    LONGEST_SPREAD,
    MOST_TIMES,
    SHORTEST,
    WrittenSchedule,
)
from prevs.schedules import Missed, Overlap

_ANY = "any"
_NULL: dict[str, Any] = {"type": "null"}
_WORD: dict[str, Any] = {"type": "string", "pattern": "^[^\0]*$"}
LABEL: dict[str, Any] = {"maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"}
_EXAMPLE: dict[str, Any] = {"cron": "0 6 * * mon-fri", "zone": "Europe/Berlin"}
_SCHEDULE = {"label": "main", "job": "report", **_EXAMPLE}


def _one_of(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of which one of two fields is given, as its schema says."""
    (one,), (other,) = first, second
    return {
        "oneOf": [
            {"required": [one], "properties": {**first, other: _NULL}},
            {"required": [other], "properties": {**second, one: _NULL}},
        ]
    }


_TIMES = _one_of({"cron": {"type": "string"}}, {"every": {"type": "integer"}})
_WORK = _one_of({"job": {"type": "string"}}, {"command": {"type": "array"}})


def _read_moment(value: object) -> datetime.datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return datetime.datetime.fromisoformat(value)
    raise PydanticCustomError("moment", 'must be a date with a time, like "2026-12-01T06:00"')


_Moment = Annotated[datetime.datetime | None, BeforeValidator(_read_moment)]


def _moment(name: str, description: str) -> Any:
    """Return the field for a moment; `name` is its format."""
    schema: dict[str, Any] = {"anyOf": [{"type": "string", "format": name}, _NULL]}
    return Field(default=None, description=description, json_schema_extra=schema)


class TimesOrder(BaseModel):
    """When a schedule makes jobs: by an expression of cron, or every so many seconds."""

    model_config = order_example(_EXAMPLE, _TIMES)

    cron: str | None = Field(
        default=None,
        min_length=1,
        description="Minute, hour, day of the month, month and day of the week, as for Debian's "
        "cron.",
        json_schema_extra={
            "anyOf": [
                {"type": "string", "format": "cron-expression", "maxLength": cron.LONGEST},
                _NULL,
            ]
        },
    )
    every: Annotated[int, Field(ge=SHORTEST, le=LONGEST), WHOLE] | None = Field(
        default=None, description="How many seconds pass from one time to the next."
    )
    zone: str = Field(
        default=WrittenSchedule.zone,
        description="The time zone of `cron`, `start_at` and `end_at`, by its IANA name.",
        json_schema_extra={"format": "time-zone"},
    )
    start_at: _Moment = _moment(
        "schedule-start",
        "A date with a time, like `2026-12-01T06:00`: no time is before it. Without an offset from "
        "UTC, it is what a clock in `zone` shows. The times of `every` count from it, or else from "
        "when the schedule was made.",
    )
    end_at: _Moment = _moment("schedule-end", "Likewise: no time is after it.")


class ScheduleOrder(TimesOrder):
    """A schedule: a job of the commit that `label` leads to each time, or a command there."""

    model_config = order_example(_SCHEDULE, {"allOf": [_TIMES, _WORK]})

    label: str = Field(
        description="A branch's or tag's slug, or a commit.",
        json_schema_extra=LABEL,
    )
    job: str | None = Field(
        default=None,
        min_length=1,
        description="The NAME of a [jobs.NAME] in the commit's .prevs.toml.",
        json_schema_extra={"anyOf": [{"type": "string", **LABEL, "maxLength": 40}, _NULL]},
    )
    command: list[str] | None = Field(
        default=None,
        min_length=1,
        description="The command, as a list of words, instead of `job`. No shell runs it. Needs "
        "the scope `admin`.",
        json_schema_extra={
            "anyOf": [
                {
                    "type": "array",
                    "minItems": 1,
                    "prefixItems": [{**_WORD, "minLength": 1}],
                    "items": _WORD,
                },
                _NULL,
            ]
        },
    )
    times: Annotated[int, WHOLE] = Field(
        default=0,
        description="After so many jobs it makes no more; 0: no limit.",
        json_schema_extra={"minimum": 0, "maximum": MOST_TIMES},
    )
    overlap: str = Field(
        default=WrittenSchedule.overlap,
        description="What happens at a time while a job of it has not ended: `skip` makes none, "
        "`queue` lets one wait, `replace` cancels the old one, `allow` runs both.",
        json_schema_extra={"enum": [one.value for one in Overlap]},
    )
    missed: str = Field(
        default=WrittenSchedule.missed,
        description="Which of the times are made up that passed while prevs was away: the `last`, "
        "`none` or `all` (of many, 24).",
        json_schema_extra={"enum": [one.value for one in Missed]},
    )
    deadline: float = Field(
        default=0.0,
        description="A time that is more than so many seconds late makes no job; 0: no limit.",
        json_schema_extra={"minimum": 0, "maximum": LONGEST},
    )
    spread: float = Field(
        default=0.0,
        description="Its jobs begin up to so many seconds late, always by the same, so that not "
        "all schedules begin at once.",
        json_schema_extra={"minimum": 0, "maximum": LONGEST_SPREAD},
    )


def read_times(order: TimesOrder) -> WrittenSchedule:
    """Return what is written about times, unchecked; what the jobs are does not matter to them."""
    return WrittenSchedule(
        label=_ANY,
        job=_ANY,
        cron=order.cron or "",
        every=order.every or 0,
        zone=order.zone,
        start_at=order.start_at,
        end_at=order.end_at,
    )


def read(order: ScheduleOrder) -> WrittenSchedule:
    """Return what is written, unchecked."""
    return dataclasses.replace(
        read_times(order),
        label=order.label,
        job=order.job or "",
        command=tuple(order.command or ()),
        times=order.times,
        overlap=order.overlap,
        missed=order.missed,
        deadline=order.deadline,
        spread=order.spread,
    )
