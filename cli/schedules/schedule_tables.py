"""The tables of schedules and of their times."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, cast

from rich.table import Table

from cli.client.generated.records import Schedule, ScheduledTimes
from cli.display.columns import cell, new_details, new_table
from cli.display.sentences import ago, clock_time, duration
from cli.display.setting_values import show_setting
from cli.schedules import schedule_sentences as sentences
from prevs.declarations import list_settings
from prevs.schedules import ScheduleRecord

_SHOWN_ELSEWHERE = ("cron", "every", "zone", "times")


def schedules(listed: Iterable[Schedule], now: float) -> Table:
    """Return a row for each schedule."""
    table = new_table("NAME", "LABEL", "JOB", "WHEN", "NEXT", cut=("", "MADE"), prose="NOTES")
    for one in listed:
        upcoming = one["next"][:1]
        cells = [one["name"], one["label"], sentences.what(one), sentences.when(one)]
        cells += ["".join(map(sentences.shown, upcoming))]
        cells += ["".join(sentences.left(time["at"], now) for time in upcoming)]
        table.add_row(*map(cell, [*cells, one["count"], sentences.notes(one)]))
    return table


def times(found: ScheduledTimes, now: float) -> Table:
    """Return a row for each time: in its zone, in UTC, and how far away."""
    is_utc = found["zone"] == "UTC"
    table = new_table(*(() if is_utc else (found["zone"].upper(),)), "UTC", "")
    for time in found["times"]:
        local = [] if is_utc else [sentences.shown(time)]
        utc = f"{datetime.datetime.fromisoformat(time['utc']):%a %Y-%m-%d %H:%M:%S}"
        table.add_row(*map(cell, [*local, utc, sentences.left(time["at"], now)]))
    return table


def details(schedule: Schedule, now: float) -> Table:
    """Return the details of a schedule, its next times and its skipped ones, one a row."""
    most = f" of {schedule['times']}" if schedule["times"] else ""
    upcoming = [
        f"{sentences.shown(time)} ({sentences.left(time['at'], now)})" for time in schedule["next"]
    ]
    skipped = [f"{clock_time(one['at'])}: {one['why']}" for one in schedule["skipped"]]
    active = [f"{one['id']} {one['state']}" for one in schedule["active"]]
    return new_details(
        [
            ("name", schedule["name"]),
            ("app", schedule["app"]),
            ("label", schedule["label"]),
            ("job", schedule["job"] or ""),
            ("command", " ".join(schedule["command"] or ())),
            ("when", sentences.when(schedule)),
            *_settings(schedule),
            ("state", "paused" if schedule["paused"] else ""),
            ("", schedule["reason"]),
            ("waits", schedule["hindrance"]),
            ("jobs made", f"{schedule['count']}{most}"),
            ("decided until", _moment(schedule["last"])),
            ("written", f"{ago(schedule['created'], now)} by {sentences.source(schedule)}"),
            *_several("next", upcoming),
            *_several("active", active),
            *_several("skipped", skipped),
        ]
    )


def _settings(schedule: Schedule) -> Iterable[tuple[str, str]]:
    """Yield the rows of the settings, but for those in other rows; empty ones for 0 and null."""
    values = cast(Mapping[str, Any], schedule)
    for one in list_settings(ScheduleRecord):
        if one.name not in _SHOWN_ELSEWHERE and one.name in values:
            value = values[one.name]
            text = show_setting(one, value) if value else ""
            delay = f": its jobs begin {duration(round(schedule['delay']))} after each time"
            yield one.about.title.lower(), text + (delay if value and one.name == "spread" else "")


def _several(name: str, values: Iterable[str]) -> Iterable[tuple[str, str]]:
    return (("" if at else name, value) for at, value in enumerate(values))


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else clock_time(seconds)
