"""The data of a branch: the next commit goes on with them, and the older one stops before."""

import dataclasses
from typing import Any

import pytest

from framework import events
from framework.matching.launch_queue import STAY_SECONDS
from framework.matching.resources import Offer
from framework.ports import Heads
from framework.scheduling.data_turns import ROOM_SECONDS
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.data_waits import ITS_DATA_ARE_COPIED
from prevs.messages import BuildOrder
from prevs.records import PreviewRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, B, C, Driven
from tests.fakes.offers import offer

DATABASE = Companion("db", image="postgres:17", volumes=("/var/lib/db",))
SETTINGS = CommitSettings(run=RunSettings(companions=(DATABASE,)))


def elsewhere(name: str, **more: Any) -> Offer:
    """Return an offer of another agent."""
    return offer(name, agent="agent-2", host="127.0.0.2", **more)


class Branches(Driven):
    """A framework whose commits have a database, and whose app is large enough for that."""

    def __init__(self) -> None:
        super().__init__()
        self.add_app(dataclasses.replace(APP, mem=64, max_mem=1024, max_cpus=1.0, max_previews=9))
        self.manifests.contents |= dict.fromkeys((A, B, C), SETTINGS)
        self.heads: dict[str, str] = {}

    def open(self, sha: str, label: str = "main") -> PreviewRecord:
        """Open an address; `heads` says where branches lead."""
        refs = sorted(f"heads/{name}" for name, head in self.heads.items() if head == sha)
        return self.commands.start("hello", sha, label, refs=refs)

    def push(self, sha: str, branch: str = "main") -> None:
        """Move a branch, and let the framework fetch."""
        self.heads[branch] = sha
        refs = {head: tuple(f"heads/{one}" for one in self.heads) for head in self.heads.values()}
        self.step(events.HeadsFetched("hello", Heads(dict(self.heads), refs)))

    def run_at(self, sha: str, made: Offer) -> None:
        """Let a queued preview run where there is an offer."""
        self.step(events.Offered([made]))
        assert self.preview(sha).state is State.PLACED
        self.report("TASK_RUNNING", Phase.RUNNING, sha=sha, agent_id={"value": made.agent_id})

    def end(self, sha: str) -> None:
        """Let what was stopped end."""
        self.tick(40)
        self.update("TASK_KILLED", sha=sha)

    def order_of(self, sha: str) -> BuildOrder:
        """Return the last order of a commit."""
        orders: list[BuildOrder] = [task.order for task in self.cluster.tasks]
        return next(order for order in reversed(orders) if order.sha == sha)

    def data(self, sha: str) -> str:
        """Return whose data the last attempt of a commit has."""
        return self.order_of(sha).data


@pytest.fixture
def driven() -> Branches:
    """Return a framework in which main runs at commit A, on agent-1."""
    driven = Branches()
    driven.heads["main"] = A
    driven.open(A)
    driven.run_at(A, offer("o1"))
    return driven


def test_the_next_commit_goes_on_with_the_data_and_the_older_one_stops_first(
    driven: Branches,
) -> None:
    driven.push(B)
    driven.step(events.Offered([elsewhere("o2"), offer("o3")]))
    assert driven.preview(B).agent_id == "agent-1", "the agent with the data"
    driven.report("TASK_STARTING", Phase.BUILDING, sha=B)
    assert driven.preview(A).state is State.RUNNING, "it serves while the newer one is built"
    assert driven.placements() == {A: ("main",)}
    driven.report("TASK_STARTING", Phase.STARTING, sha=B, detail="waits until aaaaaaa …")
    assert driven.preview(A).state is State.DRAINING
    assert driven.preview(A).reason == (
        "bbbbbbb of the same branch goes on with its data. Opened by its digits, this commit has "
        "data of its own."
    )
    driven.end(A)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    assert driven.placements() == {B: ("main",)}
    assert (driven.data(A), driven.data(B)) == ("main", "main")
    assert (driven.preview(A).state, driven.preview(B).moved_from) == (State.STOPPED, "")


def test_the_data_of_a_branch_are_the_same_as_long_as_they_are_there(driven: Branches) -> None:
    """Also if a first start fails; on another agent they are others, whoever had that name."""
    began = [driven.order_of(A).data_began]
    driven.stop(A)
    driven.end(A)
    driven.push(B)
    driven.open(B)
    driven.offer("o2")
    driven.report("TASK_FAILED", Phase.STARTING, sha=B, cause=Cause.EXECUTOR_FAILED)
    began.append(driven.order_of(B).data_began)
    driven.tick(60)
    driven.offer("o3")
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    began.append(driven.order_of(B).data_began)
    assert began == [began[0]] * 3
    driven.stop(B)
    driven.end(B)
    driven.open(B)
    driven.tick(STAY_SECONDS + 1)
    driven.step(events.Offered([elsewhere("o4")]))
    assert driven.order_of(B).data_began > began[0]


def test_a_newer_commit_whose_build_fails_leaves_the_older_one_running(driven: Branches) -> None:
    driven.push(B)
    driven.offer("o2")
    driven.report("TASK_STARTING", Phase.BUILDING, sha=B)
    driven.report("TASK_FAILED", Phase.BUILDING, sha=B, cause=Cause.BUILD_FAILED)
    driven.tick(60)
    assert driven.preview(B).state is State.FAILED
    assert driven.preview(A).state is State.RUNNING
    assert driven.placements() == {A: ("main",)}


def test_an_older_commit_opened_by_its_digits_has_data_of_its_own(driven: Branches) -> None:
    driven.push(B)
    driven.offer("o2")
    driven.report("TASK_STARTING", Phase.STARTING, sha=B)
    driven.open(A, "aaaaaaa")
    driven.end(A)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.tick(2)
    driven.step(events.Offered([elsewhere("o3")]))
    assert (driven.preview(A).state, driven.preview(A).agent_id) == (State.PLACED, "agent-2")
    assert (driven.data(A), driven.preview(A).moved_from) == ("", "")
    driven.update("TASK_RUNNING", sha=A, agent_id={"value": "agent-2"})
    driven.tick(5)
    assert [driven.preview(sha).state for sha in (A, B)] == [State.RUNNING, State.RUNNING]


def test_a_branch_without_room_for_both_lets_the_older_one_go(driven: Branches) -> None:
    driven.push(B)
    driven.step(events.Offered([offer("o2", mem=40), elsewhere("o3")]))
    driven.tick(1)
    assert driven.preview(A).state is State.RUNNING, "others may make room"
    driven.tick(ROOM_SECONDS)
    driven.step(events.Offered([offer("o4", mem=40)]))
    assert driven.preview(A).state is State.DRAINING
    assert driven.preview(B).reason == (
        "It waits until aaaaaaa of the same branch has stopped: they share its data."
    )
    driven.end(A)
    driven.step(events.Offered([offer("o5")]))
    assert (driven.preview(B).state, driven.preview(B).agent_id) == (State.PLACED, "agent-1")


def test_nothing_stops_for_a_commit_whose_agent_goes_into_maintenance(driven: Branches) -> None:
    driven.push(B)
    for number in range(5):
        driven.step(events.Offered([offer(f"m{number}", away=driven.clock.clock.now())]))
        driven.tick(ROOM_SECONDS)
    assert driven.preview(A).state is State.RUNNING


def test_the_data_of_a_lost_agent_are_waited_for_then_said_to_be_lost(driven: Branches) -> None:
    driven.stop(A)
    driven.end(A)
    driven.push(B)
    driven.open(B)
    driven.step(events.Offered([elsewhere("o2")]))
    driven.tick(6)
    assert driven.preview(B).reason == (
        "It waits for the agent 127.0.0.1, which has the data of the branch main: it offers "
        "nothing now. If it has waited for 5 minutes, it starts elsewhere with empty volumes."
    )
    driven.tick(STAY_SECONDS)
    driven.step(events.Offered([elsewhere("o3")]))
    assert (driven.preview(B).agent_id, driven.preview(B).moved_from) == ("agent-2", "127.0.0.1")
    driven.update("TASK_RUNNING", sha=B, agent_id={"value": "agent-2"})
    driven.push(C)
    driven.step(events.Offered([offer("o4"), elsewhere("o5")]))
    assert driven.preview(C).agent_id == "agent-2", "from now on they are there"


def test_another_branch_begins_from_nothing_and_lets_this_one_run(driven: Branches) -> None:
    driven.heads["fix"] = B
    driven.open(B, "fix")
    driven.run_at(B, elsewhere("o2"))
    driven.tick(5)
    assert driven.data(B) == "fix"
    assert [driven.preview(sha).state for sha in (A, B)] == [State.RUNNING, State.RUNNING]


SEEDED = dataclasses.replace(SETTINGS, run=dataclasses.replace(SETTINGS.run, seed="main"))
COPIED = f"waits until aaaaaaa of the branch main has stopped: {ITS_DATA_ARE_COPIED}"


def open_seeded(driven: Branches) -> None:
    """Open a new branch, whose data begin as a copy of those of main."""
    driven.manifests.contents[B] = SEEDED
    driven.heads["fix"] = B
    driven.tick()
    driven.open(B, "fix")


def test_a_new_branch_goes_where_its_seed_is_and_copies_while_that_has_stopped(
    driven: Branches,
) -> None:
    open_seeded(driven)
    driven.step(events.Offered([elsewhere("o2")]))
    assert driven.preview(B).state is State.QUEUED
    driven.step(events.Offered([offer("o3")]))
    assert (driven.preview(B).agent_id, driven.preview(B).moved_from) == ("agent-1", "")
    order = driven.cluster.tasks[-1].order
    assert (order.data, order.seed) == ("fix", "main")
    assert order.seed_began == driven.order_of(A).data_began < order.data_began
    driven.report("TASK_STARTING", Phase.STARTING, sha=B, detail="starting db")
    assert driven.preview(A).state is State.RUNNING, "nothing is copied yet"
    driven.report("TASK_STARTING", Phase.STARTING, sha=B, detail=COPIED)
    assert (driven.preview(A).state, driven.preview(A).reason) == (
        State.DRAINING,
        "Its data are copied for the branch fix; it starts again by itself.",
    )
    driven.end(A)
    driven.tick(2)
    driven.step(events.Offered([offer("o4")]))
    driven.tick(2)
    assert driven.preview(A).state is State.PLACED, "it starts again, and is not stopped again"
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=A)
    driven.tick(5)
    assert [driven.preview(sha).state for sha in (A, B)] == [State.RUNNING, State.RUNNING]
    assert driven.data(A) == "main"


def test_a_branch_with_data_copies_no_others(driven: Branches) -> None:
    open_seeded(driven)
    driven.run_at(B, offer("o2"))
    driven.manifests.contents[C] = SEEDED
    driven.push(C, "fix")
    driven.offer("o3")
    order = driven.cluster.tasks[-1].order
    assert (order.sha, order.data, order.seed) == (C, "fix", "")


def test_a_seed_that_is_away_is_waited_for_then_said_not_to_be_there(driven: Branches) -> None:
    driven.pin(A)
    open_seeded(driven)
    driven.tick(STAY_SECONDS + 1)
    driven.step(events.Offered([elsewhere("o2")]))
    order = driven.cluster.tasks[-1].order
    assert (order.sha, order.data, order.seed) == (B, "fix", ""), "its hooks fill them"
    assert (driven.preview(B).seed, driven.preview(B).moved_from) == ("main", "127.0.0.1")
    assert driven.preview(A).state is State.RUNNING, "it makes no room for a copy of itself"


def test_data_that_were_reset_begin_anew_anywhere(driven: Branches) -> None:
    driven.data_commands.reset("hello", "main")
    assert driven.preview(A).state is State.DRAINING
    driven.end(A)
    driven.tick(2)
    driven.step(events.Offered([elsewhere("o2")]))
    first, anew = (task.order for task in driven.cluster.tasks)
    assert (anew.sha, anew.data, anew.seed) == (A, "main", "")
    assert anew.data_began > first.data_began
    assert driven.preview(A).moved_from == "", "it has left nothing that it should have"
    driven.update("TASK_RUNNING", sha=A, agent_id={"value": "agent-2"})
    driven.push(B)
    driven.step(events.Offered([offer("o3"), elsewhere("o4")]))
    assert driven.preview(B).agent_id == "agent-2"
    assert driven.order_of(B).data_began == anew.data_began


def test_data_that_were_reset_before_they_ever_ran_begin_anew(driven: Branches) -> None:
    driven.heads["fix"] = B
    driven.open(B, "fix")
    driven.offer("o2")
    driven.data_commands.reset("hello", "fix")
    driven.end(B)
    driven.offer("o3")
    first, again = (task.order for task in driven.cluster.tasks if task.order.sha == B)
    assert again.data_began > first.data_began


def test_a_copy_that_somebody_has_ordered_is_made_at_the_next_start(driven: Branches) -> None:
    driven.heads["fix"] = B
    driven.open(B, "fix")
    driven.run_at(B, elsewhere("o2"))
    driven.data_commands.copy("hello", "main", "fix")
    driven.end(B)
    driven.tick(5)
    driven.step(events.Offered([elsewhere("o3"), offer("o4")]))
    order = driven.order_of(B)
    assert (driven.preview(B).agent_id, order.data, order.seed) == ("agent-1", "fix", "main")
    assert order.seed_began == driven.order_of(A).data_began
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.stop(B)
    driven.end(B)
    driven.open(B, "fix")
    driven.offer("o5")
    assert (driven.order_of(B).seed, driven.order_of(B).data_began) == ("", order.data_began)


def test_what_ran_by_its_digits_starts_again_with_the_data_once_its_branch_is_opened() -> None:
    driven = Branches()
    driven.heads["main"] = A
    driven.open(A, "aaaaaaa")
    driven.run_at(A, offer("o1"))
    assert driven.data(A) == ""
    driven.open(A, "main")
    assert driven.preview(A).state is State.DRAINING
    driven.end(A)
    driven.run_at(A, offer("o2"))
    assert driven.data(A) == "main"
    driven.open(A, "aaaaaaa")
    assert driven.preview(A).state is State.RUNNING, "it is the same preview"


def test_a_branch_that_goes_back_takes_its_data_along(driven: Branches) -> None:
    driven.push(B)
    driven.offer("o2")
    driven.report("TASK_STARTING", Phase.STARTING, sha=B)
    driven.end(A)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.push(A)
    driven.offer("o3")
    driven.report("TASK_STARTING", Phase.STARTING, sha=A)
    assert [driven.preview(sha).state for sha in (A, B)] == [State.STARTING, State.DRAINING]
    assert driven.data(A) == "main"


def test_a_build_ahead_waits_for_the_agent_with_the_data_however_long() -> None:
    driven = Branches()
    driven.heads["main"] = A
    driven.open(A)
    driven.run_at(A, offer("o1"))
    driven.stop(A)
    driven.end(A)
    driven.heads["main"] = B
    driven.commands.start("hello", B, "main", refs=["heads/main"], ahead=True)
    driven.tick(2 * STAY_SECONDS)
    driven.step(events.Offered([elsewhere("o2")]))
    assert driven.preview(B).state is State.QUEUED
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview(B).agent_id == "agent-1"
