import dataclasses
from typing import Any

import pytest

from framework import events
from framework.matching.agents import EXECUTOR_MEM
from framework.matching.limits import Limits
from framework.matching.refusals import SHARE_USED
from prevs.records import ProxyRecord
from prevs.states import Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import APP, A, B, C, D, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

BIG = APP.mem + EXECUTOR_MEM
"""What a preview and its executor take."""


def full(limits: Limits | None = None, **app: Any) -> Driven:
    """Return a framework with two previews on an agent with room for two, A used before B."""
    driven = Driven(limits=limits or Limits())
    driven.add_app(dataclasses.replace(APP, **{"idle_after": 0, "max_previews": 9, **app}))
    for sha, label in ((A, "one"), (B, "two")):
        driven.start(sha, label)
        driven.step(events.Offered([offer(mem=BIG)]))
        driven.report("TASK_RUNNING", Phase.RUNNING, sha=sha)
        driven.clock.pass_seconds(10)
    driven.tick(90)
    return driven


def request(driven: Driven, sha: str = C, label: str = "three") -> None:
    """Request a preview, and let the agents offer almost nothing."""
    driven.start(sha, label)
    driven.step(events.Offered([offer(f"rest for {label}", cpus=0.01, mem=5)]))
    driven.tick(2)


def states(driven: Driven) -> str:
    return " ".join(driven.preview(sha).state.value for sha in (A, B, C))


def test_the_least_recently_used_preview_makes_room() -> None:
    driven = full()
    request(driven)
    assert states(driven) == "draining running queued"
    assert driven.placements() == {B: ("two",)}
    assert driven.preview(A).reason == (
        "It was stopped to make room for hello at ccccccc; its address starts it again."
    )
    assert driven.preview(C).reason == (
        "Room is being made for it; these unused previews stop: hello at aaaaaaa."
    )
    driven.update("TASK_KILLED", sha=A)
    driven.step(events.Offered([offer("o9", mem=BIG)]))
    assert states(driven) == "stopped running placed"
    assert driven.preview(A).reason.startswith("It was stopped to make room")


def test_another_apps_preview_is_not_named_in_the_reason() -> None:
    driven = full()
    driven.add_app(dataclasses.replace(APP, name="shop"))
    driven.start(C, "three", app="shop")
    driven.step(events.Offered([offer("rest", cpus=0.01, mem=5)]))
    driven.tick(2)
    assert driven.preview(A).reason == (
        "It was stopped to make room for a preview of another app; its address starts it again."
    )
    assert driven.preview(C, app="shop").reason == (
        "Room is being made for it; these unused previews stop: a preview of another app."
    )


def test_nothing_stops_before_the_agents_could_offer() -> None:
    driven = full()
    driven.start(C, "three")
    driven.tick(0.9)
    assert states(driven) == "running running queued"


def test_while_room_is_being_made_no_more_stop_until_a_limit_passes() -> None:
    driven = full()
    request(driven)
    for _ in range(30):
        driven.tick()
    assert states(driven) == "draining running queued"
    driven.update("TASK_KILLED", sha=A)
    for _ in range(4):
        driven.tick()
    assert states(driven) == "stopped running queued"
    for _ in range(3):
        driven.tick()
    assert states(driven) == "stopped draining queued"


def test_room_is_reserved_for_the_preview_it_was_made_for() -> None:
    driven = full()
    request(driven)
    driven.start(D, "four")
    driven.update("TASK_KILLED", sha=A)
    first = driven.preview(C)
    driven.stop(C)
    driven.step(events.Offered([offer("o8", mem=BIG)]))
    assert first.state is State.QUEUED
    assert driven.preview(D).state is State.PLACED


def test_a_small_preview_does_not_take_the_room_of_a_large_one() -> None:
    driven = full()
    driven.add_app(dataclasses.replace(APP, name="big", mem=2 * BIG - EXECUTOR_MEM))
    driven.start(C, "three", app="big")
    driven.step(events.Offered([offer("rest", cpus=0.01, mem=5)]))
    driven.tick(2)
    assert driven.preview(A).state is driven.preview(B).state is State.DRAINING
    driven.start(D, "four")
    for _ in range(20):
        driven.tick()
    driven.update("TASK_KILLED", sha=A)
    driven.step(events.Offered([offer("o8", mem=BIG)]))
    assert driven.preview(D).state is State.QUEUED
    driven.update("TASK_KILLED", sha=B)
    driven.step(events.Offered([offer("o9", mem=2 * BIG)]))
    assert driven.preview(C, app="big").state is State.PLACED


def test_no_busy_or_pinned_preview_stops() -> None:
    driven = full()
    driven.pin(A)
    driven.use(B, open=1)
    request(driven)
    assert states(driven) == "running running queued"
    assert driven.preview(C).reason == (
        "No agent has 128 MB free; the most is 0. "
        "Everything that runs is in use, was used just now, or is pinned."
    )
    driven.use(B, open=1)
    driven.tick(59)
    assert states(driven) == "running running queued"
    driven.tick(2)
    assert states(driven) == "running draining queued"


def test_previews_that_are_kept_warm_stop_last() -> None:
    driven = Driven()
    warm = dataclasses.replace(APP, idle_after=0, keep_warm=("mon-sun 00:00-24:00",))
    driven.add_app(warm)
    driven.add_app(dataclasses.replace(warm, name="other", keep_warm=()))
    for sha, app in ((A, "hello"), (B, "other")):
        driven.start(sha, "main", app=app)
        driven.step(events.Offered([offer(mem=BIG)]))
        driven.update("TASK_RUNNING", task=driven.preview(sha, app).task_id)
        driven.tick(100)
    request(driven)
    assert driven.preview(A).state is State.RUNNING
    assert driven.preview(B, "other").state is State.DRAINING


def test_nothing_stops_while_usage_is_unknown() -> None:
    driven = full()
    driven.znodes.proxies = [ProxyRecord({"hello": 99})]
    request(driven)
    assert states(driven) == "running running queued"
    driven.use("", proxy="p1")
    driven.tick()
    assert states(driven) == "draining running queued"


@pytest.mark.parametrize(
    ("limits", "app", "reason"),
    [
        (None, {"max_previews": 2}, "hello has 2 previews already"),
        (Limits(previews=2), {}, "There are already 2 previews, as many as are allowed."),
    ],
    ids=["of an app", "of all"],
)
def test_at_a_limit_an_idle_preview_stops(
    limits: Limits | None, app: dict[str, Any], reason: str
) -> None:
    driven = full(limits, **app)
    driven.start(C, "three")
    driven.tick(0.5)
    assert driven.preview(C).reason.startswith(reason)
    driven.tick(1.5)
    assert states(driven) == "draining running queued"
    driven.update("TASK_KILLED", sha=A)
    driven.tick()
    driven.step(events.Offered([offer("o9")]))
    assert states(driven) == "stopped running placed"


def test_nothing_stops_for_free_room() -> None:
    driven = full(Limits(starts_per_app=1))
    driven.start(C, "three")
    driven.start(D, "four")
    driven.step(events.Offered([offer("o9")]))
    driven.tick(5)
    assert driven.preview(D).reason.startswith("1 previews of hello are starting")
    assert (driven.preview(A).state, driven.preview(B).state) == (State.RUNNING, State.RUNNING)


def test_nothing_stops_for_a_preview_that_no_agent_can_hold() -> None:
    driven = full(mem=128)
    driven.add_app(dataclasses.replace(APP, name="huge", mem=9000))
    driven.start(C, "three", app="huge")
    driven.step(events.Offered([offer("rest", cpus=0.01, mem=5)]))
    driven.tick(2)
    assert driven.preview(C, app="huge").state is State.QUEUED
    assert (driven.preview(A).state, driven.preview(B).state) == (State.RUNNING, State.RUNNING)


def test_a_hundred_waiting_previews_do_not_stop_a_hundred() -> None:
    driven = full()
    for n in range(100):
        driven.start(f"{n:040}", f"n{n}")
    driven.tick(2)
    assert driven.preview(A).state is driven.preview(B).state is State.DRAINING
    assert driven.service.snapshot.queue_places[preview_unit("hello", f"{99:040}")] == 100


def test_a_preview_that_made_room_starts_again_on_request() -> None:
    driven = full()
    request(driven)
    driven.start(A, "one")
    assert driven.preview(A).starts_again
    driven.update("TASK_KILLED", sha=A)
    assert driven.preview(A).state is State.QUEUED
    assert driven.service.snapshot.queue_places == {
        preview_unit("hello", C): 1,
        preview_unit("hello", A): 2,
    }


def test_a_draining_preview_and_its_room_are_waited_for() -> None:
    driven = full()
    driven.stop(A)
    request(driven)
    assert states(driven) == "draining running queued"
    assert driven.preview(C).reason == "Room is being made for it."
    driven.update("TASK_KILLED", sha=A)
    driven.tick(4)
    assert states(driven) == "stopped running queued"
    driven.tick(2)
    assert states(driven) == "stopped draining queued"


def test_room_being_made_for_one_preview_is_not_used_for_others() -> None:
    driven = full()
    request(driven)
    driven.start(D, "four")
    driven.tick(2)
    assert states(driven) == "draining running queued"
    driven.update("TASK_KILLED", sha=A)
    driven.step(events.Offered([offer("o9", mem=BIG)]))
    driven.tick(7)
    assert states(driven) == "stopped draining placed"


def test_an_offer_without_the_executors_resources_is_waited_out() -> None:
    driven = full()
    request(driven)
    driven.start(D, "four")
    driven.update("TASK_KILLED", sha=A)
    driven.clock.pass_seconds(1.5)
    driven.step(events.Offered([offer("o8", mem=BIG - EXECUTOR_MEM)]))
    driven.tick(2)
    assert states(driven) == "stopped running queued"
    driven.step(events.Offered([offer("o9", mem=BIG)]))
    assert states(driven) == "stopped running placed"


def test_a_preview_that_could_not_start_yet_stops_nothing() -> None:
    driven = full(Limits(starts_per_app=1))
    driven.start(D, "four")
    request(driven)
    assert driven.preview(D).state is State.QUEUED
    assert states(driven) == "draining running queued"


def test_only_ten_waiting_previews_are_considered() -> None:
    driven = full(Limits(starts_per_app=99, starts_per_agent=99), max_previews=99)
    for n in range(10):
        driven.start(f"{n:040}", f"n{n}")
        driven.step(events.Offered([offer(mem=BIG, end=31100)]))
        driven.report("TASK_RUNNING", Phase.RUNNING, sha=f"{n:040}")
    driven.tick(90)
    for n in range(12):
        driven.start(f"{n:x>40}", f"x{n}")
    driven.tick(2)
    assert len(driven.records.in_state(State.DRAINING)) == 10


def test_decisions_are_a_second_apart() -> None:
    driven = full()
    driven.pin(A)
    driven.pin(B)
    request(driven)
    driven.call(lambda: driven.service.commands.pin("hello", A, pinned=False))
    assert states(driven) == "running running queued"
    driven.tick()
    assert states(driven) == "draining running queued"


def test_nothing_stops_for_a_preview_whose_turn_on_an_agent_comes() -> None:
    driven = full(Limits(starts_per_agent=1))
    for sha, label in ((C, "three"), (D, "four")):
        driven.start(sha, label)
    for name in ("o8", "o9"):
        driven.step(events.Offered([offer(name, agent="agent-2", host="127.0.0.2")]))
        driven.clock.pass_seconds(2)
    assert driven.preview(D).reason.startswith("Every agent with room for it is starting others")
    assert states(driven) == "running running placed"


def test_nothing_stops_for_a_job_that_waits_for_the_share_of_jobs() -> None:
    driven = full()
    jobs = Jobs(driven)
    job_id = jobs.request()
    jobs.request(cpus=99.0)  # for which offers are requested all the same
    driven.clock.pass_seconds(2)
    driven.step(events.Offered([offer("o9", agent="agent-2", host="127.0.0.2", mem=300)]))
    assert jobs.find(job_id).reason == SHARE_USED.reason
    assert (driven.preview(A).state, driven.preview(B).state) == (State.RUNNING, State.RUNNING)


def test_room_is_made_for_a_job_while_it_is_made_for_another_one_like_it() -> None:
    driven = Driven(limits=Limits(jobs_share=1.0))
    driven.add_app()
    for sha, agent in ((A, "agent-1"), (B, "agent-2")):
        driven.start(sha, f"of-{agent}")
        driven.step(events.Offered([offer(agent, agent=agent, host=f"of-{agent}", mem=BIG)]))
        driven.update("TASK_RUNNING", sha=sha, agent_id={"value": agent})
    driven.tick(90)
    jobs = Jobs(driven)
    ids = [jobs.request() for _ in range(2)]
    for _ in range(3):
        driven.tick(1)
    for job_id in ids:
        assert jobs.find(job_id).reason.startswith("Room is being made for it")
    assert (driven.preview(A).state, driven.preview(B).state) == (State.DRAINING, State.DRAINING)


def test_a_preview_whose_app_cannot_be_read_stays_and_others_make_room() -> None:
    driven = Driven()
    for name, sha in (("hello", A), ("other", B)):
        driven.add_app(dataclasses.replace(APP, name=name))
        driven.start(sha, "main", app=name)
        driven.step(events.Offered([offer(mem=BIG)]))
        driven.update("TASK_RUNNING", task=driven.preview(sha, name).task_id)
        driven.clock.pass_seconds(10)
    del driven.znodes.records["apps", "hello"]
    later = Driven(driven.znodes, driven.clock)
    later.tick(90)
    later.start(C, "three", app="other")
    later.step(events.Offered([offer("rest", cpus=0.01, mem=5)]))
    later.tick(2)
    assert later.preview(B, "other").state is State.DRAINING
    assert later.records.preview(preview_unit("hello", A)).state is State.RUNNING
