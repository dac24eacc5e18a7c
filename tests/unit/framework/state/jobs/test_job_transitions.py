"""Which fields of a job change with each event, for every state.

tests/data/job_transitions.json is the table, kept by hand as tests/data/transitions.json is for
previews: for each event and state the next state and each field that changes, "refused" if the
event is not expected. A state in which nothing changes has no row. Whatever else an event raises
fails its test.
"""

import base64
import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from framework import events
from framework.errors import Unavailable
from framework.jobs.errors import HasEnded, NotRunning
from framework.service.app_removal import AppRemoval
from framework.service.commands import Commands
from framework.service.jobs.job_commands import JobCommands
from prevs import names
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause, Phase
from prevs.work import Progress
from tests.fakes.driven import APP, A, Driven
from tests.fakes.task_scene import TaskScene

TABLE: Mapping[str, Mapping[str, Mapping[str, Any] | str]] = json.loads(
    (pathlib.Path(__file__).parents[4] / "data/job_transitions.json").read_text(encoding="utf-8")
)
JOB = "a" * 16
TASK = names.task_id("hello", A, "t0.2")
RESULT = base64.b64encode(b"done").decode()


def make_job(state: JobState, **terms: Any) -> JobRecord:
    """Return a job whose fields all differ from those of a new one; its command has begun."""
    return JobRecord(
        "hello",
        JOB,
        A,
        "main",
        dataclasses.replace(JobSettings(("true",)), **terms),
        state,
        created=998_000.0,
        changed=999_000.0,
        tries=2,
        failures=1,
        consecutive_losses=2,
        retry_at=5.0,
        avoid_agent="agent-9",
        task_id=TASK,
        agent_id="agent-1",
        agent_host="127.0.0.1",
        phase="fetching",
        detail="1/5",
        began=999_970.0,
        starts_again=True,
        reason="An old reason.",
        failure=Failure(Cause.BUILD_FAILED, "An old failure."),
        exit_code=7,
        progress=Progress(50, "half"),
        result="b2xk",
        result_size=3,
        digest="sha256:old",
        revocable=True,
    )


class Scene(TaskScene):
    """One job, and the parts of a service that change it; the service itself does nothing."""

    def __init__(self, before: JobRecord) -> None:
        stored = Driven(subscribed=False)
        stored.store.save_all([APP])
        stored.store.jobs.write([before])
        super().__init__(stored, TASK)
        self.commands = JobCommands(self.records, self.records.vault, self.clock)

    def job(self) -> JobRecord:
        return self.records.jobs.job("hello", JOB)

    def remove_app(self) -> None:
        Commands(self.records, self.clock).remove_app("hello")
        AppRemoval(self.records, lambda app: None).reconcile()

    def launch(self, error: Exception | None = None) -> None:
        """Let the whole service accept an offer; the call to Mesos fails with `error`."""

        def fail(call: str) -> None:
            if call == "accept" and error:
                raise error

        self.driven.cluster.before = fail
        self.driven.step(events.Subscribed("framework-1"))
        self.driven.offer()


HAPPENINGS: Mapping[str, Callable[[Scene], object]] = {
    "cancelled": lambda scene: scene.commands.cancel("hello", JOB, by="ci"),
    "app removed": Scene.remove_app,
    "expired": lambda scene: scene.driven.step(events.Subscribed("framework-1")),
    "launched": Scene.launch,
    "launch not sent": lambda scene: scene.launch(Unavailable("Mesos")),
    "progress told": lambda scene: scene.commands.tell_progress("hello", JOB, Progress(75)),
    "staging": lambda scene: scene.report("TASK_STAGING"),
    "building": lambda scene: scene.report("TASK_STARTING", Phase.BUILDING, detail="2/5"),
    "starting": lambda scene: scene.report("TASK_STARTING", Phase.STARTING, digest=f"sha256:{A}"),
    "running": lambda scene: scene.report(
        "TASK_RUNNING", Phase.RUNNING, progress=Progress(25, "on")
    ),
    "running, first": lambda scene: scene.report("TASK_RUNNING", Phase.RUNNING),
    "unhealthy": lambda scene: scene.report("TASK_RUNNING", Phase.RUNNING, healthy=False),
    "killing": lambda scene: scene.report("TASK_KILLING"),
    "unreachable": lambda scene: scene.report("TASK_UNREACHABLE"),
    "unreachable for a minute": lambda scene: scene.lose("TASK_UNREACHABLE"),
    "unknown": lambda scene: scene.report("TASK_UNKNOWN"),
    "unknown for a minute": lambda scene: scene.lose("TASK_UNKNOWN"),
    "unknown long after a subscription": Scene.forget,
    "no answer": lambda scene: scene.wait(60),
    "silent": lambda scene: scene.wait(301),
    "finished": lambda scene: scene.report(
        "TASK_FINISHED", Phase.ENDED, exit_code=0, result=RESULT, progress=Progress(100)
    ),
    "killed": lambda scene: scene.report("TASK_KILLED"),
    "lost": lambda scene: scene.report("TASK_LOST"),
    "dropped": lambda scene: scene.report("TASK_DROPPED"),
    "rejected": lambda scene: scene.report("TASK_ERROR"),
    "build failed": lambda scene: scene.report(
        "TASK_FAILED", Phase.BUILDING, cause=Cause.BUILD_FAILED
    ),
    "application exited": lambda scene: scene.report(
        "TASK_FAILED", Phase.RUNNING, cause=Cause.APP_EXITED, exit_code=3, result=RESULT
    ),
}
TERMS: Mapping[str, Mapping[str, Any]] = {
    "expired": {"expires": 1.0},
    "application exited, retries left": {"retries": 2, "delay": 4.0},
    "lost, must run once": {"once": True},
    "killed, must run once": {"once": True},
    "dropped, must run once": {"once": True},
    "lost, must run alone": {"exclusive": True},
}
"""What the job says in some cases; the name of a case begins with what happens."""
NOT_BEGUN = ("running, first", "dropped", "dropped, must run once", "dropped too often")
"""In these cases the command has not begun."""
LOST_OFTEN = ("lost", "dropped")
"""What is also tried once more often than it may be, as "… too often"."""
CASES = [*HAPPENINGS, *(case for case in TERMS if "," in case)]
CASES += [f"{one} too often" for one in LOST_OFTEN]


def change(case: str, state: JobState) -> Mapping[str, Any] | str:
    """Return the changes by an event in a state, in the form of the table."""
    before = make_job(state, **TERMS.get(case, {}))
    if case.endswith(" too often"):
        before = dataclasses.replace(before, consecutive_losses=10)
    if case in NOT_BEGUN:
        before = dataclasses.replace(before, began=None)
    elif case == "expired":
        before = dataclasses.replace(before, tries=0)
    happening = case if case in HAPPENINGS else case.removesuffix(" too often").split(",")[0]
    scene = Scene(before)
    try:
        HAPPENINGS[happening](scene)
    except (HasEnded, NotRunning):
        return "refused"
    return differences(before, scene.job())


def differences(before: JobRecord, after: JobRecord) -> Mapping[str, Any]:
    """Return the fields that differ, as they are stored; of an ended attempt what is its own."""
    was, now = json.loads(before.encode()), json.loads(after.encode())
    changed = {name: value for name, value in now.items() if value != was[name]}
    for attempt in changed.get("attempts", ()):
        for name in ("agent_host", "agent_id", "task_id"):
            assert attempt.pop(name) == was[name]
    return changed


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("case", CASES)
def test_every_event_changes_the_fields_of_the_table(case: str, state: JobState) -> None:
    assert change(case, state) == TABLE[case].get(state.value, {})


def test_the_table_has_every_event_and_no_other() -> None:
    assert list(TABLE) == CASES
