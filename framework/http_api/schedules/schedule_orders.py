"""What somebody writes with PUT /v1/apps/{app}/schedules/{name}, as /docs shows it.

The models check types and bounds, and that nothing is given empty. written_schedule in
framework.schedules has the rules of what goes together, and their messages.
"""

import contextlib
import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from framework.apps.manifest import declared
from framework.http_api.http.examples import order_example
from framework.schedules import written_schedule
from prevs.schedules import WHEN, ScheduleRecord

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


def _moment(name: str) -> Any:
    """Return the type of a moment; `name` is its format."""
    schema: dict[str, Any] = {"anyOf": [{"type": "string", "format": name}, _NULL]}
    return Annotated[
        datetime.datetime | None, BeforeValidator(_read_moment), Field(json_schema_extra=schema)
    ]


_MOMENTS = {"start_at": _moment("schedule-start"), "end_at": _moment("schedule-end")}
_WHEN = declared.order_of(ScheduleRecord, {}, _MOMENTS, only=WHEN)
_SETTINGS = declared.order_of(ScheduleRecord, {}, _MOMENTS)


class TimesOrder(_WHEN):  # type: ignore[misc, valid-type] # its fields follow from ScheduleRecord
    """When a schedule makes jobs: by an expression of cron, or every so many seconds."""

    model_config = order_example(_EXAMPLE, _TIMES)


# All fields but those of its work follow from ScheduleRecord.
class ScheduleOrder(_SETTINGS):  # type: ignore[misc, valid-type]
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


def read(order: TimesOrder | ScheduleOrder, **work: Any) -> ScheduleRecord:
    """Return what is written about times, and the `work`: what goes together is unchecked."""
    given = declared.read(ScheduleRecord, order.model_dump())
    moments = {name: written_schedule.read_moment(given.get(name), order.zone) for name in _MOMENTS}
    return ScheduleRecord(**work, **{**given, **moments})


def read_whole(order: ScheduleOrder, **whose: Any) -> ScheduleRecord:
    """Return what is written, unchecked; `whose` are the fields that the order does not have."""
    command = tuple(order.command or ())
    return read(order, label=order.label, job=order.job or "", command=command, **whose)
