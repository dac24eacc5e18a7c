"""Sentences about schedules, as functions of values."""

import datetime

from cli.client.generated.records import FileTrouble, Schedule, ScheduledTime
from cli.display.sentences import counted, duration, shortened
from cli.display.terminal import one_line
from prevs import names

_LONGEST_COMMAND = 40
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def title(schedule: Schedule) -> str:
    """Return a schedule's name for people: nightly of shop."""
    return f"{schedule['name']} of {schedule['app']}"


def what(schedule: Schedule) -> str:
    """Return what its jobs run: the name of a job, or else the command."""
    return schedule["job"] or shortened(" ".join(schedule["command"] or ()), _LONGEST_COMMAND)


def when(schedule: Schedule) -> str:
    """Return when it makes jobs: "0 6 * * mon-fri in Europe/Berlin", "every 1 h"."""
    every = schedule["every"]
    if every is not None:
        return f"every {duration(every)}"
    return f"{schedule['cron']} in {schedule['zone']}"


def notes(schedule: Schedule) -> str:
    """Return a list's notes: why no time or no job comes, what is active, a last skipped time."""
    active, skipped = schedule["active"], schedule["skipped"]
    parts = [one_line(schedule[why]).removesuffix(".") for why in ("reason", "hindrance")]
    if active:
        parts.append(f"{counted(active, 'job has', 'jobs have')} not ended")
    if skipped and skipped[0]["at"] >= schedule["last"]:
        parts.append(f"its last time made no job: {one_line(skipped[0]['why']).removesuffix('.')}")
    return "; ".join(part for part in parts if part)


def source(schedule: Schedule) -> str:
    """Return where it comes from."""
    if schedule["from_file"]:
        return "the .prevs.toml of the default branch"
    return schedule["by"] or "nobody known"


def describe_trouble(trouble: FileTrouble) -> str:
    """Return why schedules of the default branch's file do not hold."""
    at = f"The .prevs.toml at {trouble['label']} ({names.short(trouble['commit'])})"
    mistakes = "; ".join(f"line {one['line']}: {one['message']}" for one in trouble["mistakes"])
    return f"{at}: {trouble['why']}{' ' if mistakes else ''}{mistakes}"


def shown(time: ScheduledTime) -> str:
    """Return what a clock in the zone shows at a time: "Mon 2026-11-30 06:00"."""
    return f"{datetime.datetime.fromisoformat(time['local']):%a %Y-%m-%d %H:%M}"


def left(moment: float, now: float) -> str:
    """Return how long it is from `now` until a moment, in its largest unit: "in 3 h"."""
    seconds = max(0, int(moment - now))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"in {seconds // size} {unit}"
    return f"in {seconds} s"
