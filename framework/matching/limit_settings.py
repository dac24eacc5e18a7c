"""The settings of the limits for the whole installation."""

from pydantic import Field

from framework.matching.limits import Limits
from program.settings.environment import EnvironmentSettings


class LimitSettings(EnvironmentSettings):
    """How much may run or start at a time, and how long what ends may stay."""

    max_previews: int = Field(
        default=Limits().previews, ge=1, description="How many previews may have a task at a time."
    )
    max_jobs: int = Field(
        default=Limits().jobs, ge=1, description="How many jobs may have a task at a time."
    )
    jobs_share: float = Field(
        default=Limits().jobs_share,
        gt=0,
        le=1,
        description="The part of an agent's memory that jobs may take. The rest is for previews: "
        "a job that is not `preemptible` makes no room for visitors.",
        examples=["0.25"],
    )
    revocable: bool = Field(
        default=False,
        description="Whether jobs that are `preemptible` may run on CPUs that Mesos can take back, "
        "where agents offer such (oversubscription). Every framework needs the same.",
    )
    starts_per_agent: int = Field(
        default=Limits().starts_per_agent,
        ge=1,
        description="How many previews and jobs may be starting on one agent.",
    )
    starts_per_app: int = Field(
        default=Limits().starts_per_app,
        ge=1,
        description="How many previews of one app may be starting.",
    )
    drain_limit: float = Field(
        default=Limits().drain,
        ge=0,
        description="Seconds that open requests may continue before their preview is stopped.",
    )
    vanished_after: float = Field(
        default=Limits().unreferenced,
        ge=0,
        description="Seconds after which a preview is removed if its last branch is gone.",
    )

    @property
    def limits(self) -> Limits:
        """The limits for the whole installation."""
        return Limits(
            previews=self.max_previews,
            starts_per_agent=self.starts_per_agent,
            starts_per_app=self.starts_per_app,
            drain=self.drain_limit,
            unreferenced=self.vanished_after,
            jobs=self.max_jobs,
            jobs_share=self.jobs_share,
        )
