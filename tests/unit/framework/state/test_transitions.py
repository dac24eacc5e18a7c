"""Which fields of a preview change with each event, for every state.

tests/data/transitions.json is the table, kept by hand: for each event and state the next state and
each field that changes, "refused" if the event is not expected. A state in which nothing changes
has no row. Whatever else an event raises fails its test.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from framework import events
from framework.apps import effective_settings
from framework.errors import NotRetryable, Unavailable
from framework.ports import InverseOffer
from framework.scheduling.idleness import Idleness
from framework.scheduling.maintenance import Maintenance
from framework.service.app_removal import AppRemoval
from framework.service.commands import Commands
from framework.service.manifest_loader import ManifestLoader
from framework.service.refused_connections import LAPSE_SECONDS, RefusedConnections
from framework.state import placements
from framework.units.reasons import Reason, ReasonKind
from prevs import names
from prevs.commit_settings import CommitSettings
from prevs.records import Failure, PreviewRecord, Step
from prevs.states import Cause, Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import APP, A, Driven
from tests.fakes.task_scene import TaskScene

TABLE: Mapping[str, Mapping[str, Mapping[str, Any] | str]] = json.loads(
    (pathlib.Path(__file__).parents[3] / "data/transitions.json").read_text(encoding="utf-8")
)
TASK = names.task_id("hello", A, "t0")
DIGEST = f"sha256:{A}{A[:24]}"
APP_WITH_SETTINGS = dataclasses.replace(APP, idle_after=60)


def preview(state: State) -> PreviewRecord:
    """Return a preview whose fields all differ from those of a new one."""
    return PreviewRecord(
        app="hello",
        sha=A,
        state=state,
        labels=("main",),
        task_id=TASK,
        agent_id="agent-1",
        agent_host="127.0.0.1",
        host_port=31000,
        phase="fetching",
        reason="An old reason.",
        failure=Failure(Cause.BUILD_FAILED, "An old failure."),
        created=1.0,
        changed=2.0,
        started=3.0,
        last_used=4.0,
        pinned=True,
        starts_again=True,
        consecutive_losses=2,
        retry_at=5.0,
        avoid_agent="agent-9",
        unreferenced_since=6.0,
        detail="1/5",
        steps=(Step("queued", 7.0),),
        step_seconds={"building": 8.0},
        settings=CommitSettings(port=81),
        settings_for="old",
        digest="sha256:old",
        protocol="h2",
        memory_kills=1,
        refs=("heads/old",),
    )


class Scene(TaskScene):
    """One preview, and the parts of a service that change it; the service itself does nothing."""

    def __init__(self, before: PreviewRecord) -> None:
        stored = Driven(subscribed=False)
        routed = placements.placements("hello", [before], unrouted=())
        stored.store.save_all([APP_WITH_SETTINGS, before, routed])
        super().__init__(stored, TASK)
        self.requests = Commands(self.records, self.clock)
        self.manifests = ManifestLoader(
            self.records, lambda app, sha, given: None, clock=self.clock, metrics=self.metrics
        )

    def preview(self) -> PreviewRecord:
        return self.records.preview(preview_unit("hello", A))

    def read(self, outcome: CommitSettings | Failure) -> None:
        """Hand in the settings of the preview's commit."""
        basis = effective_settings.settings_key(APP_WITH_SETTINGS)
        self.manifests.note(events.SettingsRead("hello", A, basis, outcome))

    def leave_agent(self) -> None:
        maintenance = Maintenance(self.records, self.driven.cluster, self.clock)
        maintenance.offered([InverseOffer("i1", "agent-1", self.clock.now() + 60)])
        maintenance.reconcile()

    def remove_app(self) -> None:
        self.requests.remove_app("hello")
        AppRemoval(self.records, lambda app: None).reconcile()

    def stop_idle(self) -> None:
        Idleness(self.records, self.clock).stop(
            self.preview(), 9.0, Reason(ReasonKind.IDLE, "Nobody used it.")
        )

    def refuse(self, *, then_accept: bool = False) -> None:
        refused = RefusedConnections(self.records, self.attempts, self.clock)
        refused.note("p1", [TASK])
        refused.reconcile()
        if then_accept:
            self.driven.clock.pass_seconds(LAPSE_SECONDS + 1)
            refused.reconcile()

    def launch(self, error: Exception | None = None) -> None:
        """Let the whole service accept an offer; the call to Mesos fails with `error`."""

        def fail(call: str) -> None:
            if call == "accept" and error:
                raise error

        self.driven.cluster.before = fail
        self.driven.step(events.Subscribed("framework-1"))
        self.driven.offer()


HAPPENINGS: Mapping[str, Callable[[Scene], object]] = {
    "requested": lambda scene: scene.requests.start("hello", A, "main", refs=["heads/main"]),
    "retried": lambda scene: scene.requests.retry("hello", A),
    "stopped": lambda scene: scene.requests.stop("hello", A),
    "app removed": Scene.remove_app,
    "idle": Scene.stop_idle,
    "agent leaves": Scene.leave_agent,
    "settings read": lambda scene: scene.read(CommitSettings(port=82)),
    "settings wrong": lambda scene: scene.read(Failure(Cause.SETTINGS_INVALID, "Wrong.")),
    "settings out of reach": lambda scene: scene.read(
        Failure(Cause.REPOSITORY_UNREACHABLE, "Away.")
    ),
    "launched": Scene.launch,
    "launch not sent": lambda scene: scene.launch(Unavailable("Mesos")),
    "refuses connections": Scene.refuse,
    "refuses, then accepts connections": lambda scene: scene.refuse(then_accept=True),
    "staging": lambda scene: scene.report("TASK_STAGING"),
    "building": lambda scene: scene.report(
        "TASK_STARTING", Phase.BUILDING, detail="2/5", began={"building": 1.5}
    ),
    "starting": lambda scene: scene.report("TASK_STARTING", Phase.STARTING, digest=DIGEST),
    "checking": lambda scene: scene.report("TASK_STARTING", Phase.CHECKING),
    "healthy": lambda scene: scene.report("TASK_RUNNING", Phase.RUNNING, memory_kills=3),
    "unhealthy": lambda scene: scene.report("TASK_RUNNING", Phase.RUNNING, healthy=False),
    "killing": lambda scene: scene.report("TASK_KILLING"),
    "unreachable": lambda scene: scene.report("TASK_UNREACHABLE"),
    "unreachable for a minute": lambda scene: scene.lose("TASK_UNREACHABLE"),
    "unknown": lambda scene: scene.report("TASK_UNKNOWN"),
    "killed": lambda scene: scene.report("TASK_KILLED"),
    "unknown for a minute": lambda scene: scene.lose("TASK_UNKNOWN"),
    "unknown long after a subscription": Scene.forget,
    "no answer": lambda scene: scene.wait(60),
    "silent": lambda scene: scene.wait(301),
    "lost": lambda scene: scene.report("TASK_LOST"),
    "build failed": lambda scene: scene.report(
        "TASK_FAILED", Phase.BUILDING, cause=Cause.BUILD_FAILED
    ),
    "application exited": lambda scene: scene.report(
        "TASK_FAILED", Phase.RUNNING, cause=Cause.APP_EXITED, exit_code=3
    ),
}
LOST_OFTEN = ("lost", "application exited", "settings out of reach")
"""What is also tried once more often than it may be, as "… too often"."""


def change(happening: str, state: State) -> Mapping[str, Any] | str:
    """Return the changes by an event in a state, in the form of the table."""
    before = preview(state)
    if happening.endswith(" too often"):
        before = dataclasses.replace(before, consecutive_losses=5, started=999_999.0)
    elif happening.startswith("launch"):
        basis = effective_settings.settings_key(APP_WITH_SETTINGS)
        before = dataclasses.replace(before, settings_for=basis)
    elif happening.endswith(" connections"):
        before = dataclasses.replace(before, reason="")
    scene = Scene(before)
    try:
        HAPPENINGS[happening.removesuffix(" too often")](scene)
    except NotRetryable:
        return "refused"
    return differences(before, scene.preview())


def differences(before: PreviewRecord, after: PreviewRecord) -> Mapping[str, Any]:
    """Return the fields that differ, as they are stored; of steps their names."""
    was, now = json.loads(before.encode()), json.loads(after.encode())
    changed = {name: value for name, value in now.items() if value != was[name]}
    if "steps" in changed:
        changed["steps"] = [step.name for step in after.steps]
    return changed


HAPPENING = [*HAPPENINGS, *(f"{one} too often" for one in LOST_OFTEN)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", HAPPENING)
def test_every_event_changes_the_fields_of_the_table(happening: str, state: State) -> None:
    assert change(happening, state) == TABLE[happening].get(state.value, {})


def test_the_table_has_every_event_and_no_other() -> None:
    assert list(TABLE) == HAPPENING
