"""The keys of the [jobs.NAME] in a .prevs.toml, as keys.py has those of the other tables."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from framework.apps.manifest import declared, job_rules, rules
from framework.apps.manifest.values import Cpus, Mem, Table, Vector
from prevs.job_settings import JobSettings
from prevs.schedules import ScheduleSettings

MOST_JOBS = 50

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
_OF_TIMES = {
    "cron": AfterValidator(job_rules.check_cron),
    "every": AfterValidator(job_rules.check_every),
    "zone": AfterValidator(job_rules.check_zone),
    "deadline": AfterValidator(job_rules.check_scheduled),
    "spread": AfterValidator(job_rules.check_scheduled),
}
_WORDS = {
    "overlap": Annotated[str, AfterValidator(job_rules.check_overlap)],
    "missed": Annotated[str, AfterValidator(job_rules.check_missed)],
}
_TIMES = declared.table_of(ScheduleSettings, Table, _OF_TIMES, _WORDS)

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


# All keys but that of the command follow from the two declarations.
class Job(_TIMES, _TERMS, _Command):  # type: ignore[misc, valid-type]
    """A command that runs in the commit's image and ends with a result.

    NAME has 1 to 40 characters of `a-z`, `0-9` and `-`. A file may have 50 jobs. They have the
    app's variables, but no port, no volumes and no hooks. A schedule holds at the head of the
    app's default branch only.
    """

    def settings(self) -> JobSettings:
        """Return the settings of the job, as they are stored."""
        keys = self.model_dump()
        times = ScheduleSettings(**declared.read_table(ScheduleSettings, keys))
        return JobSettings(
            command=tuple(self.command),
            schedule=times if times.cron or times.every else None,
            **declared.read_table(JobSettings, keys),
        )
