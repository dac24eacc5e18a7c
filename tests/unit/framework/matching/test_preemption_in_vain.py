"""No preview stops for room that exists, on a quiet cluster, at any time.

A preview may have waited long (in its pause before another try), and an agent with room may not
have made an offer for long, because nothing revived its offers.
"""

import dataclasses
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from framework.matching.agents import EXECUTOR_MEM
from framework.matching.limits import Limits
from prevs.records import AppRecord, PreviewRecord
from prevs.states import Cause, Phase, State
from tests.fakes.small_world import SmallWorld

SIZES = {"small": 64, "middle": 128, "large": 256}
APPS = [
    AppRecord(name, f"/srv/{name}", mem=mem, max_previews=99, idle_after=0)
    for name, mem in SIZES.items()
]
LIMITS = Limits(previews=99, starts_per_agent=99, starts_per_app=99)
SHAS = [letter * 40 for letter in "abcdef"]
PAUSES = [0.2, 1.0, 5.0, 17.0, 61.0, 130.0]

keys = st.tuples(st.sampled_from(list(SIZES)), st.sampled_from(SHAS))
steps = st.one_of(
    st.tuples(st.just("start"), keys),
    st.tuples(st.just("crash"), st.integers(0, 11)),
    st.tuples(st.just("pass"), st.sampled_from(PAUSES)),
)


class QuietCluster:
    """Agents that offer their resources at each revive, and the previews that stop."""

    def __init__(
        self, agents: list[int], limits: Limits = LIMITS, apps: Sequence[AppRecord] = APPS
    ) -> None:
        self.world = SmallWorld(apps=apps, limits=limits)
        for mem in agents:
            self.world.mesos.add_agent(mem=mem, ports=9)
        self.world.lead()
        self.world.subscribe()

    def take(self, what: str, of: object) -> None:
        live = [task for task in self.world.mesos.live() if task.runs]
        match what, of:
            case "start", (str() as app, str() as sha):
                self.world.request("start", (app, sha), label=sha)
            case "crash", int() as number if live:
                task = live[number % len(live)]
                task.end("TASK_FAILED", phase=Phase.ENDED, cause=Cause.APP_EXITED)
            case "pass", float() as seconds:
                self.go_on(seconds)
        self.go_on(0.05)

    def go_on(self, seconds: float) -> None:
        """Let time pass at once, and then every part take a step."""
        self.world.tick(seconds)
        for _ in range(6):
            before = {preview.task_id for preview in self.victims()}
            free = {a.id: self.world.mesos.free(a) for a in self.world.mesos.agents.values()}
            with capture_logs() as logs:
                self.world.go_on(0.05)
            made = {one["stops"]: one["app"] for one in logs if one["event"] == "room is made"}
            for victim in self.victims():
                if victim.task_id not in before:
                    self.look(victim, made[victim.task_id], free)

    def victims(self) -> list[PreviewRecord]:
        stopped = [p for p in self.world.previews() if p.state is State.DRAINING]
        return [p for p in stopped if p.reason.startswith("It was stopped to make room for")]

    def look(
        self, victim: PreviewRecord, app: str, free: dict[str, tuple[float, list[int]]]
    ) -> None:
        size = SIZES[app] + EXECUTOR_MEM
        enough = [agent for agent, (mem, ports) in free.items() if mem >= size and ports]
        assert not enough, f"{victim.app} stopped for {app}, for which {enough} have room: {free}"


@settings(max_examples=max(10, settings().max_examples // 4))
@given(
    agents=st.lists(st.sampled_from([192, 320, 512, 900]), min_size=1, max_size=3),
    story=st.lists(steps, max_size=25),
)
def test_nothing_stops_for_a_preview_that_already_has_room(
    agents: list[int], story: list[tuple[str, object]]
) -> None:
    cluster = QuietCluster(agents)
    for what, of in story:
        cluster.take(what, of)
    assert not cluster.world.violations


def test_a_retry_after_its_longest_pause_stops_nothing_on_a_quiet_cluster() -> None:
    cluster = QuietCluster([384, 384])
    for sha in SHAS[:2]:
        cluster.take("start", ("middle", sha))
    cluster.take("pass", 130.0)
    cluster.take("start", ("middle", SHAS[2]))
    for pause in (1.0, 4.0, 16.0, 60.0):
        cluster.go_on(0.5)
        (mine,) = [p for p in cluster.world.previews() if p.sha == SHAS[2]]
        assert mine.state is State.RUNNING, mine
        crashing = next(t for t in cluster.world.mesos.live() if t.id == mine.task_id)
        crashing.end("TASK_FAILED", phase=Phase.ENDED, cause=Cause.APP_EXITED)
        cluster.go_on(0.05)
        cluster.go_on(pause)
    states = {p.state for p in cluster.world.previews() if p.sha in SHAS[:2]}
    assert states == {State.RUNNING}


def test_a_preview_at_a_limit_stops_one_and_takes_the_existing_room() -> None:
    """The agent with room has offered nothing for long, because nothing revived its offers."""
    limits = LIMITS._replace(previews=2)
    cluster = QuietCluster([260, 900], limits)
    for sha in SHAS[:2]:
        cluster.take("start", ("small", sha))
    cluster.take("pass", 130.0)
    cluster.take("start", ("large", SHAS[2]))
    for _ in range(4):
        cluster.go_on(1.0)
    states = sorted(p.state.value for p in cluster.world.previews())
    assert states == ["running", "running", "stopped"]


def test_a_preview_that_its_own_app_would_refuse_then_stops_none_at_the_limit_of_all() -> None:
    """Two of an app wait, which has a place for one: the second one could not use what stops."""
    apps = [dataclasses.replace(app, max_previews=3 if app.name == "small" else 99) for app in APPS]
    cluster = QuietCluster([4000], LIMITS._replace(previews=4), apps)
    for sha in SHAS[:2]:
        cluster.take("start", ("middle", sha))
    cluster.take("pass", 130.0)
    for sha in SHAS[:4]:
        cluster.take("start", ("small", sha))
    for _ in range(4):
        cluster.go_on(1.0)
    states = {(p.app, SHAS.index(p.sha)): p.state for p in cluster.world.previews()}
    assert [states["small", n] for n in range(4)] == [*[State.RUNNING] * 3, State.QUEUED]
    assert sorted(states["middle", n].value for n in range(2)) == ["running", "stopped"]
