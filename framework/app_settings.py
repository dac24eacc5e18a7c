"""What an app's settings may be. Pure; every problem is told, not only the first."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from framework import repositories
from framework.errors import InvalidSettings, Problem
from prevs import names
from prevs.records import AppRecord

CHANGEABLE = frozenset({"repository", "port", "cpus", "mem", "max_previews", "health"})

_HEALTH = re.compile(r"/[!-~]*", re.ASCII)

_NUMBERS: Mapping[str, tuple[float, float, str]] = {
    "port": (1, 65535, "a port is from 1 to 65535"),
    "cpus": (0.01, 1024, "a CPU share is from 0.01 to 1024"),
    "mem": (8, 4_194_304, "a memory limit is from 8 to 4194304 MB"),
    "max_previews": (1, 1000, "a limit is from 1 to 1000 previews"),
}


def check(app: AppRecord) -> AppRecord:
    """Return `app`, whose settings are right. Raises InvalidSettings."""
    problems = [p for p in (_name(app), _repository(app), _health(app)) if p]
    for field, (least, most, rule) in _NUMBERS.items():
        value = getattr(app, field)
        if not (math.isfinite(value) and least <= value <= most):
            problems.append(Problem(field, f"{value} is out of range: {rule}"))
    if problems:
        raise InvalidSettings(problems)
    return app


def changed(app: AppRecord, changes: Mapping[str, object]) -> AppRecord:
    """Return `app` with some settings changed. Raises InvalidSettings."""
    problems = [
        problem
        for field, value in changes.items()
        if (problem := _type_problem(app, field, value)) is not None
    ]
    if problems:
        raise InvalidSettings(problems)
    values: dict[str, Any] = dict(changes)
    if "cpus" in values:
        values["cpus"] = float(values["cpus"])
    return check(dataclasses.replace(app, **values))


def same(one: AppRecord, other: AppRecord) -> bool:
    """Tell whether two records are of the same app with the same settings."""
    return dataclasses.replace(one, created=0.0) == dataclasses.replace(other, created=0.0)


def _type_problem(app: AppRecord, field: str, value: object) -> Problem | None:
    if field not in CHANGEABLE:
        return Problem(field, "this is not a setting that can be changed")
    kind = type(getattr(app, field))
    right = isinstance(value, (int, float) if kind is float else kind)
    if right and not isinstance(value, bool):
        return None
    wanted = "text" if kind is str else "a whole number" if kind is int else "a number"
    return Problem(field, f"{wanted} is expected")


def _name(app: AppRecord) -> Problem | None:
    if names.is_app_name(app.name):
        return None
    return Problem(
        "name",
        f"{app.name!r} is no app name: up to 40 of a-z, 0-9 and single hyphens, a letter first, "
        "no hyphen last",
    )


def _repository(app: AppRecord) -> Problem | None:
    problem = repositories.find_problem(app.repository)
    return Problem("repository", f"it {problem}") if problem else None


def _health(app: AppRecord) -> Problem | None:
    if _HEALTH.fullmatch(app.health):
        return None
    return Problem("health", f"{app.health!r} is no path: it begins with / and has no spaces")
