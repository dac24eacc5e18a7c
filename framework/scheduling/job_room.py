"""How much more memory jobs may take on agents: a share of what agents have for us. No I/O."""

from collections import defaultdict
from collections.abc import Mapping

from framework.apps import effective_settings
from framework.matching.agents import EXECUTOR_MEM
from framework.state.records import Records
from framework.units.lifecycle import WITH_TASK


def find_job_room(records: Records, free: Mapping[str, float], share: float) -> Mapping[str, float]:
    """Return how many MB of memory jobs may still take on agents, of which `free` has the free MB.

    An agent has for us what is free there, and what our previews and jobs have.
    """
    of_jobs: dict[str, float] = defaultdict(float)
    for job in records.jobs.with_task():
        app = records.find_app(job.app)
        if app is not None:
            mem = effective_settings.resources(app, job)[1]
            of_jobs[job.agent_id or ""] += mem + EXECUTOR_MEM
    of_previews: dict[str, float] = defaultdict(float)
    for preview in records.in_state(*WITH_TASK):
        if preview.agent_id in free:
            app = records.find_app(preview.app)
            mem = effective_settings.resources(app, preview.settings)[1] if app else 0
            of_previews[preview.agent_id or ""] += mem + EXECUTOR_MEM
    return {
        agent: share * (mem + of_jobs[agent] + of_previews[agent]) - of_jobs[agent]
        for agent, mem in free.items()
    }
