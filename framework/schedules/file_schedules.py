"""The schedules in the .prevs.toml of an app's default branch, beside those made by hand. Pure.

The first schedule of a name keeps it. So the file never replaces a schedule made by hand, on which
somebody may rely; the framework reports the clash instead.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.errors import InvalidSettings
from framework.schedules import written_schedule
from prevs.records import Mistake
from prevs.schedules import ScheduleRecord, ScheduleSettings


class FileTrouble(NamedTuple):
    """Why schedules of the file at a commit do not hold, as sentences; earlier ones stay.

    `label` is that of the default branch. `mistakes` are those in the file, if it cannot be used.
    """

    label: str
    sha: str
    why: str
    mistakes: tuple[Mistake, ...] = ()


class FileChange(NamedTuple):
    """The schedules to write and to remove, so that those of the file hold; `why` not all do."""

    saved: tuple[ScheduleRecord, ...] = ()
    removed: tuple[ScheduleRecord, ...] = ()
    why: str = ""


def follow(
    app: str,
    label: str,
    wanted: Mapping[str, ScheduleSettings],
    known: Sequence[ScheduleRecord],
    *,
    now: float,
) -> FileChange:
    """Return what changes if a file has the schedules `wanted`, by job; `known` are the app's.

    With a mistake in one of them nothing changes, so that no half of a file holds.
    """
    by_name = {one.name: one for one in known}
    saved, problems, by_hand = [], [], []
    for name, settings in wanted.items():
        before = by_name.get(name)
        if before is not None and not before.from_file:
            by_hand.append(name)
            continue
        try:
            saved.append(_write(app, label, name, settings, before=before, now=now))
        except InvalidSettings as error:
            problems += [f"[jobs.{name}] {one.field} {one.message}" for one in error.problems]
    if problems:
        return FileChange(why=f"{'; '.join(problems)}. The schedules of an earlier commit hold.")
    removed = [one for one in known if one.from_file and one.name not in wanted]
    return FileChange(tuple(saved), tuple(removed), _tell_by_hand(app, by_hand))


def _write(
    app: str,
    label: str,
    name: str,
    settings: ScheduleSettings,
    *,
    before: ScheduleRecord | None,
    now: float,
) -> ScheduleRecord:
    written = ScheduleRecord(app, name, label, job=name, from_file=True, **vars(settings))
    return written_schedule.check(written, now=now, before=before)


def _tell_by_hand(app: str, names: Sequence[str]) -> str:
    return " ".join(
        f"The schedule {name} was made by hand, so the one of [jobs.{name}] does not hold. Remove "
        f"it (prevs schedule rm {app} {name}), or give the job another name."
        for name in names
    )
