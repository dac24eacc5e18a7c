"""The keys of the [jobs.NAME] in a .prevs.toml, as keys.py has those of the other tables."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from framework.apps.manifest import job_rules, rules
from framework.apps.manifest.values import Cpus, Mem, Table, Vector
from prevs.job_settings import JobSettings, ScheduleSettings

MOST_JOBS = 50
HOUR, WEEK, YEAR = 3600, 7 * 24 * 3600, 365 * 24 * 3600

JobName = Annotated[str, AfterValidator(job_rules.check_job_name)]
Timeout = Annotated[float, Field(ge=1, le=WEEK)]
Retries = Annotated[int, Field(ge=0, le=10)]
Delay = Annotated[float, Field(ge=1, le=HOUR)]
Priority = Annotated[int, Field(ge=0, le=2)]
Expires = Annotated[float, Field(ge=0, le=WEEK)]
ExitCode = Annotated[int, Field(ge=1, le=255)]
MOST_CODES = 20
ExitCodes = Annotated[
    list[ExitCode],
    BeforeValidator(rules.make_list),
    Field(min_length=1, max_length=MOST_CODES),
]


class Job(Table):
    """A command that runs in the commit's image and ends with a result.

    NAME has 1 to 40 characters of `a-z`, `0-9` and `-`. A file may have 50 jobs. They have the
    app's variables, but no port, no volumes and no hooks. A schedule holds at the head of the
    app's default branch only.
    """

    command: Vector = Field(
        description="The command, as a list of words. No shell runs it "
        '(`["sh", "-c", "…"]` starts one). Required.',
        examples=['["python", "report.py"]'],
    )
    cpus: Cpus | None = Field(
        default=None,
        description="A share of CPUs. Default: the app's `cpus`; at most its `max_cpus`.",
        examples=["0.5"],
    )
    mem: Mem | None = Field(
        default=None,
        description="A memory limit in MB. Default: the app's `mem`; at most its `max_mem`.",
        examples=["512"],
    )
    timeout: Timeout = Field(
        default=JobSettings.timeout,
        description="How many seconds the command may run, each time. Default: 3,600.",
        examples=["900"],
    )
    retries: Retries = Field(
        default=JobSettings.retries,
        description="How many times it runs again if the command fails. Default: 0. It also starts "
        "again if its agent was lost, which uses up no retry.",
        examples=["3"],
    )
    delay: Delay = Field(
        default=JobSettings.delay,
        description="How many seconds pass before the first retry, and twice as many before each "
        "later one, but no more than an hour. Default: 10.",
        examples=["60"],
    )
    no_retry: ExitCodes = Field(
        default=[],
        description="The exit code with which it does not run again: one, or a list.",
        examples=["2", "[2, 64]"],
    )
    retry_only: Annotated[ExitCodes, AfterValidator(job_rules.check_retry_only)] = Field(
        default=[],
        description="The exit code with which alone it runs again: one, or a list. Not beside "
        "`no_retry`.",
        examples=["75"],
    )
    once: Annotated[bool, AfterValidator(job_rules.check_once)] = Field(
        default=JobSettings.once,
        description="Whether it never starts again once it may have run, whatever happened to it. "
        "Not beside `retries`.",
        examples=["true"],
    )
    preemptible: Annotated[bool, AfterValidator(job_rules.check_preemptible)] = Field(
        default=JobSettings.preemptible,
        description="Whether it may be ended when a visitor's preview finds no other room. It "
        "starts again later, which uses up no retry. Not beside `once`.",
        examples=["true"],
    )
    priority: Priority = Field(
        default=JobSettings.priority,
        description="0 is low, 1 usual, 2 high. Default: 1.",
        examples=["2"],
    )
    exclusive: JobName | None = Field(
        default=None,
        description="The name of a group of the app's jobs, of which one runs at a time.",
        examples=['"database"'],
    )
    expires: Expires = Field(
        default=JobSettings.expires,
        description="How many seconds it may wait for its start; then it fails. Default: 0, for "
        "ever.",
        examples=["600"],
    )
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
        return JobSettings(
            command=tuple(self.command),
            cpus=self.cpus,
            mem=self.mem,
            timeout=self.timeout,
            retries=self.retries,
            delay=self.delay,
            no_retry=tuple(self.no_retry),
            retry_only=tuple(self.retry_only),
            once=self.once,
            preemptible=self.preemptible,
            priority=self.priority,
            exclusive=self.exclusive or "",
            expires=self.expires,
            schedule=self._schedule(),
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
