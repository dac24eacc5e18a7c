"""The keys of the [jobs.NAME] in a .prevs.toml, as keys.py has those of the other tables."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from framework.apps.manifest import declared, job_rules, rules
from framework.apps.manifest.values import Cpus, Mem, Table, Vector
from prevs.declarations import list_settings
from prevs.job_settings import JobSettings, ScheduleSettings

MOST_JOBS = 50
HOUR, WEEK, YEAR = 3600, 7 * 24 * 3600, 365 * 24 * 3600

JobName = Annotated[str, AfterValidator(job_rules.check_job_name)]

_CHECKS = {
    "once": AfterValidator(job_rules.check_once),
    "preemptible": AfterValidator(job_rules.check_preemptible),
}
_ONE_OR_MORE = (BeforeValidator(rules.make_list), Field(min_length=1))
_TYPES = {
    "cpus": Cpus,
    "mem": Mem,
    "no_retry": Annotated[declared.value_of(JobSettings, "no_retry"), *_ONE_OR_MORE],
    "retry_only": Annotated[
        declared.value_of(JobSettings, "retry_only"),
        *_ONE_OR_MORE,
        AfterValidator(job_rules.check_retry_only),
    ],
    "exclusive": JobName,
}
_TERMS = declared.table_of(JobSettings, Table, _CHECKS, _TYPES)

if TYPE_CHECKING:
    Timeout = float
    Priority = int
else:
    Timeout = declared.value_of(JobSettings, "timeout")
    Priority = declared.value_of(JobSettings, "priority")


class _Command(Table):
    command: Vector = Field(
        description="The command, as a list of words. No shell runs it "
        '(`["sh", "-c", "…"]` starts one). Required.',
        examples=['["python", "report.py"]'],
    )


class Job(_TERMS, _Command):  # type: ignore[misc, valid-type] # these keys follow from JobSettings
    """A command that runs in the commit's image and ends with a result.

    NAME has 1 to 40 characters of `a-z`, `0-9` and `-`. A file may have 50 jobs. They have the
    app's variables, but no port, no volumes and no hooks. A schedule holds at the head of the
    app's default branch only.
    """

    schedule: Annotated[str, Field(max_length=200), AfterValidator(job_rules.check_cron)] | None = (
        Field(
            default=None,
            description="When it starts by itself: minute, hour, day, month and day of the week, "
            "as for cron.",
            examples=['"0 6 * * mon-fri"'],
        )
    )
    every: Annotated[int, Field(ge=60, le=YEAR), AfterValidator(job_rules.check_every)] | None = (
        Field(
            default=None,
            description="How many seconds pass from one start to the next. Not beside `schedule`.",
            examples=["3600"],
        )
    )
    zone: Annotated[str, Field(max_length=64), AfterValidator(job_rules.check_zone)] = Field(
        default=ScheduleSettings.zone,
        description='The time zone of `schedule`. Default: `"UTC"`.',
        examples=['"Europe/Berlin"'],
    )
    overlap: Annotated[str, AfterValidator(job_rules.check_overlap)] = Field(
        default=ScheduleSettings.overlap,
        description="What happens at its time if the one before still runs: `skip` leaves the new "
        "one out, `queue` lets one wait, `replace` ends the old one, `allow` runs both. Default: "
        '`"skip"`.',
        examples=['"queue"'],
    )
    missed: Annotated[str, AfterValidator(job_rules.check_missed)] = Field(
        default=ScheduleSettings.missed,
        description="Which times run later that passed while prevs was away: the `last`, `none` or "
        '`all`. Default: `"last"`.',
        examples=['"none"'],
    )
    deadline: Annotated[float, Field(ge=0, le=WEEK), AfterValidator(job_rules.check_scheduled)] = (
        Field(
            default=ScheduleSettings.deadline,
            description="How many seconds after its time it may still start. Default: 0, no limit.",
            examples=["1800"],
        )
    )
    spread: Annotated[float, Field(ge=0, le=HOUR), AfterValidator(job_rules.check_scheduled)] = (
        Field(
            default=ScheduleSettings.spread,
            description="By up to how many seconds its times are moved, always by the same, so "
            "that not all jobs start at once. Default: 0.",
            examples=["300"],
        )
    )

    def settings(self) -> JobSettings:
        """Return the settings of the job, as they are stored."""
        terms = self.model_dump(include={one.name for one in list_settings(JobSettings)})
        return JobSettings(
            command=tuple(self.command),
            schedule=self._schedule(),
            **{name: _stored(value) for name, value in terms.items() if value is not None},
        )

    def _schedule(self) -> ScheduleSettings | None:
        if self.schedule is None and self.every is None:
            return None
        return ScheduleSettings(
            cron=self.schedule or "",
            every=self.every or 0,
            zone=self.zone,
            overlap=self.overlap,
            missed=self.missed,
            deadline=self.deadline,
            spread=self.spread,
        )


def _stored(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
