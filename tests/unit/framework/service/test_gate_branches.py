"""Gates while the branches of their labels go and come back, in a service over fakes."""

import pytest

from framework import events
from framework.ports import Heads
from framework.pulls.errors import UnknownPull
from prevs.gates import OnDelete, Target
from prevs.pulls import PullRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, C, Driven
from tests.fakes.gate_story import GateStory


@pytest.fixture
def gates() -> GateStory:
    """Return a gate, half of whose clients v1 gets; v1 is a canary that runs."""
    story = GateStory()
    story.driven.run(A, "main")
    story.put(("/", "main"))
    story.switch("/", "v1", 50)
    story.run(B)
    return story


def fetched(gates: GateStory, default: str = "main", **labels: str | None) -> None:
    heads = Heads({"main": A, **labels}, {}, default)
    gates.driven.step(events.HeadsFetched("hello", heads))


def told(gates: GateStory) -> list[str]:
    history = gates.driven.service.history
    return [one.sentence for one in history.events if one.type == "gate"]


def test_a_gate_stays_at_the_commit_of_a_deleted_branch_and_tells_so(gates: GateStory) -> None:
    fetched(gates, v1=B)
    assert gates.gate.gone == {}
    fetched(gates)
    now = gates.driven.clock.seconds
    assert (gates.gate.gone, gates.gate.revision.number) == ({"v1": now}, 2)
    assert gates.gate.revision.commits["v1"] == B
    why = f"gate api: no branch leads to v1 any more, and it stays at {B[:7]}"
    assert told(gates)[-1] == why
    gates.driven.tick(60)
    fetched(gates)
    assert (gates.gate.gone, told(gates)[-1]) == ({"v1": now}, why)
    assert told(gates).count(why) == 1
    # The next leader knows it, too, and proxies and earlier versions read the same as before.
    gates.driven.znodes.epoch += 1
    later = GateStory(Driven(gates.driven.znodes, gates.driven.clock))
    assert later.gate == gates.gate


def test_its_preview_stays_startable_however_long_the_branch_is_gone(gates: GateStory) -> None:
    fetched(gates)
    gates.driven.stop(B)
    gates.driven.update("TASK_KILLED", sha=B)
    for _ in range(3):
        gates.driven.tick(1e7)
        fetched(gates)
    found = gates.driven.service.snapshot.find_kept("hello", "v1")
    assert found is not None
    assert (found.sha, found.state) == (B, State.STOPPED)
    assert gates.driven.service.snapshot.find_kept("hello", B[:9]) == found
    assert gates.driven.service.snapshot.find_gone("hello", "v1") == found
    assert gates.driven.service.snapshot.find_gone("hello", "main") is None
    assert B in gates.driven.service.snapshot.list_kept("hello")
    gates.driven.start(B, "v1")
    gates.run(B)
    assert gates.driven.preview(B).state is State.RUNNING


def test_without_a_gate_it_goes_as_ever(gates: GateStory) -> None:
    gates.driven.gate_commands.remove("api")
    assert gates.driven.service.snapshot.find_kept("hello", "v1") is None
    assert gates.driven.service.snapshot.list_kept("hello") == ()
    gates.driven.stop(B)
    gates.driven.update("TASK_KILLED", sha=B)
    fetched(gates)
    gates.driven.tick(1e7)
    fetched(gates)
    assert [one.sha for one in gates.driven.service.snapshot.previews.values()] == [A]


def test_a_gate_follows_a_branch_that_comes_back(gates: GateStory) -> None:
    fetched(gates)
    fetched(gates, v1=C)
    assert gates.gate.gone == {}
    assert told(gates)[-1] == "gate api: a branch leads to v1 again, and it follows that"
    assert gates.driven.preview(C).state is State.QUEUED
    gates.run(C)
    assert gates.driven.preview(C).labels == ("v1",)


def test_a_repository_without_branches_or_another_one_changes_nothing(gates: GateStory) -> None:
    gates.driven.step(events.HeadsFetched("hello", Heads({})))
    assert gates.gate.gone == {}


def test_a_commit_that_a_gate_was_rolled_back_to_is_no_branch(gates: GateStory) -> None:
    gates.driven.run(C, "main")
    gates.roll_back()
    assert gates.leads() == {"/": A}
    fetched(gates)
    assert gates.gate.gone == {}
    assert A in gates.driven.service.snapshot.list_kept("hello")


def test_a_changed_rule_keeps_what_is_known_of_the_others(gates: GateStory) -> None:
    fetched(gates)
    gates.switch("/", "v1", 20)
    assert gates.gate.revision.number == 3
    assert (list(gates.gate.gone), gates.gate.revision.commits["v1"]) == (["v1"], B)
    gates.switch("/", "main")
    assert gates.gate.gone == {}


def test_with_on_delete_default_the_default_branch_gets_the_share(gates: GateStory) -> None:
    gates.put(("/", "v1"), ("/x", "main"), on_delete=OnDelete.DEFAULT)
    assert gates.gate.on_delete is OnDelete.DEFAULT
    fetched(gates, default="")
    assert (list(gates.gate.gone), gates.leads()["/"]) == (["v1"], "v1")
    fetched(gates)
    assert gates.leads() == {"/": "main", "/x": "main"}
    assert (gates.gate.gone, gates.gate.revision.by) == ({}, "on_delete")
    assert gates.gate.on_delete is OnDelete.DEFAULT
    assert told(gates)[-1].endswith("by on_delete: / to main, /x to main")
    # It can be rolled back to the commit of then, which stays although no branch reaches it.
    gates.driven.tick(1e7)
    fetched(gates)
    assert gates.roll_back().revision.rules[0].to == (Target(B),)


def test_a_share_is_handed_over_only_to_what_runs(gates: GateStory) -> None:
    gates.put(("/", "v1"), on_delete=OnDelete.DEFAULT)
    gates.driven.step(events.HeadsFetched("hello", Heads({"main": C}, {}, "main")))
    assert gates.leads() == {"/": "v1"}
    assert gates.gate.proposal is not None
    fetched(gates, main=C)  # meanwhile nothing is proposed again
    assert gates.gate.last_number == gates.gate.proposal.revision.number
    gates.driven.step(events.Offered([]))
    gates.driven.place(C, "main")
    gates.driven.report(
        "TASK_FAILED", Phase.BUILDING, sha=C, cause=Cause.BUILD_FAILED, detail="RUN make"
    )
    assert gates.gate.proposal.failure
    before = gates.gate.last_number
    fetched(gates, main=C)
    assert (gates.gate.last_number, gates.leads()) == (before, {"/": "v1"})
    fetched(gates, main=A)  # another commit of it runs
    assert gates.leads() == {"/": "main"}


def test_a_stranger_stays_a_stranger_once_its_pull_request_is_closed() -> None:
    story = GateStory()
    pull = PullRecord("hello", 7, B, "pull/7/head", approved_commit=B)
    driven = story.driven
    driven.commands.change_app("hello", {"pulls": "all"})
    driven.call(lambda: driven.records.pulls.save_all([pull]))
    start = driven.commands.start
    start("hello", B, "pr-7", refs=("pull/7",))
    story.run(B)
    story.heads["pr-7"] = B
    plan = story.plan(("/", "pr-7"))
    driven.gate_commands.carry_out(plan._replace(awaited=()), {"pr-7": B})
    closed = PullRecord("hello", 7, B, "pull/7/head", approved_commit=B, closed=1.0)
    driven.call(lambda: driven.records.pulls.save_all([closed]))
    driven.step(events.HeadsFetched("hello", Heads({"main": A})))
    assert driven.preview(B).state is State.RUNNING
    driven.stop(B)
    driven.update("TASK_KILLED", sha=B)
    again = start("hello", B, "pr-7", refs=driven.preview(B).refs)
    assert (again.state, again.stranger) == (State.QUEUED, True)
    driven.gate_commands.remove("api")
    with pytest.raises(UnknownPull):
        start("hello", B, "pr-7", refs=("pull/7",))
