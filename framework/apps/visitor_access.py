"""Decides who may look at an app's previews, and which passes it has. Pure.

Times are seconds since the epoch.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from framework.apps.access_errors import IsPublic, PassExists, UnknownPass
from framework.errors import InvalidSettings, Problem
from prevs.access import Access, AccessRecord, IssuedPass

SHARE, MACHINE = "share", "machine"
"""The kinds of passes: a link to one label, and what a program sends."""
MOST_DAYS: Mapping[str, int] = {SHARE: 30, MACHINE: 366}
"""How long a pass of each kind may count."""
MOST_PASSES = 500
"""How many passes an app may have: 75 KB of its record."""
DAY = 86400.0


class PassOrder(NamedTuple):
    """What somebody wants a pass to be; it counts for `days`. Without a name it gets its id."""

    name: str
    kind: str
    days: float
    label: str = ""


def new_era(before: int, now: float) -> int:
    """Return an era in which no pass of an app was ever made.

    It counts milliseconds, so that it is new also for an app that was public meanwhile, or removed
    and registered again: an app without a record has no era to count from.
    """
    return max(before + 1, int(now * 1000))


def begin_era(record: AccessRecord, now: float) -> AccessRecord:
    """Return who may look once everybody is out: no pass counts any more."""
    if record.access is Access.PUBLIC:
        raise IsPublic(record.app)
    return dataclasses.replace(record, era=new_era(record.era, now), passes={})


def close(
    record: AccessRecord,
    access: Access,
    now: float,
    *,
    is_new: bool = False,
    preflight: bool | None = None,
) -> AccessRecord:
    """Return who may look, by a password or with an account in the team.

    An era begins if it was another way before, or if the password `is_new`. `preflight` None leaves
    that as it is. Raises IsPublic if `access` is.
    """
    closed = dataclasses.replace(record, access=access)
    if preflight is not None:
        closed = dataclasses.replace(closed, preflight=preflight)
    return begin_era(closed, now) if is_new or record.access is not access else closed


def list_passes(record: AccessRecord, now: float) -> Mapping[str, IssuedPass]:
    """Return the passes that have not ended, by id."""
    return {key: one for key, one in record.passes.items() if one.until > now}


def with_pass(
    record: AccessRecord, order: PassOrder, new_id: str, *, by: str, now: float
) -> AccessRecord:
    """Return who may look, with one more pass, and without those that have ended.

    `by` is the name of the token that issues it.
    """
    if record.access is Access.PUBLIC:
        raise IsPublic(record.app)
    known = list_passes(record, now)
    name = order.name or new_id
    if any(one.name == name for one in known.values()):
        raise PassExists(record.app, name)
    if problems := _find_problems(order, len(known)):
        raise InvalidSettings(problems)
    issued = IssuedPass(name, order.kind, now + order.days * DAY, order.label, by, now)
    return dataclasses.replace(record, passes={**known, new_id: issued})


def without_pass(record: AccessRecord, pass_id: str) -> AccessRecord:
    """Return who may look, without one pass."""
    if pass_id not in record.passes:
        raise UnknownPass(record.app, pass_id)
    left = {other: one for other, one in record.passes.items() if other != pass_id}
    return dataclasses.replace(record, passes=left)


def _find_problems(order: PassOrder, known: int) -> list[Problem]:
    most = MOST_DAYS[order.kind]
    problems = []
    if not 0 < order.days <= most:
        problems.append(Problem("days", f"must be more than 0 and at most {most}"))
    if order.kind == SHARE and not order.label:
        problems.append(Problem("label", "is missing: a share link is for one label"))
    if known >= MOST_PASSES:
        problems.append(Problem("name", f"is one too many: at most {MOST_PASSES} are allowed"))
    return problems
