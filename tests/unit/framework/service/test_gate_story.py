"""Gates from their writing to what is in force, in a service over fakes."""

import dataclasses
from concurrent.futures import Future

import pytest

from framework import events
from framework.errors import InvalidSettings, UnknownApp
from framework.gates.errors import GateChanged, NameOfGate, UnknownGate, UnknownRevision
from framework.gates.proposals import AFTERWARDS_SECONDS
from framework.ports import Heads
from framework.scheduling.idleness import BUSY_SECONDS, SETTLING_SECONDS
from framework.service.gates.gates_in_force import SELDOM_SECONDS
from framework.state.snapshot import Snapshot
from prevs import signatures
from prevs.gates import GateRecord, Proposal, Revision, Rule, Target
from prevs.records import ProxyRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, B, C, D, Driven
from tests.fakes.gate_story import HELLO, GateStory
from tests.fakes.placements import KEY as SIGNING_KEY


def test_a_new_gate_is_in_force_once_all_that_it_leads_to_runs(gates: GateStory) -> None:
    first = gates.put(("/", "main"), ("/v1", "v1"))
    assert (first.revision.number, first.revision.rules) == (0, ())
    assert gates.driven.preview(A).state is gates.driven.preview(B).state is State.QUEUED
    gates.run(A)
    assert gates.leads() == {}
    gates.run(B)
    assert gates.leads() == {"/": "main", "/v1": "v1"}
    assert (gates.gate.revision.number, gates.gate.proposal, gates.gate.earlier) == (1, None, ())
    assert gates.gate.revision.commits == {"main": A, "v1": B}


def test_what_happens_to_gates_is_told_and_counted(gates: GateStory) -> None:
    def count(change: str) -> float | None:
        return gates.driven.count("prevs_gates", change=change)

    gates.put(("/", "main"))
    assert (count("waits"), count("none")) == (1, 0)
    gates.run(A)
    assert (count("waits"), count("none")) == (0, 1)
    events_of_gates = [one for one in gates.driven.service.history.events if one.type == "gate"]
    assert [(one.app, one.subject, one.sentence) for one in events_of_gates] == [
        ("hello", "api", "gate api waits with revision 1 for main"),
        ("hello", "api", "gate api has revision 1 by ada: / to main"),
    ]


def test_what_runs_already_is_switched_to_at_once(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    assert gates.put(("/", "main")).revision.number == 1


def test_a_switch_keeps_the_earlier_revision_until_its_target_runs(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.put(("/", "main"), ("/v1", "main"))
    gates.driven.tick(10)
    gates.switch("/v1", "v1")
    assert gates.leads() == {"/": "main", "/v1": "main"}
    gates.run(B)
    assert gates.leads() == {"/": "main", "/v1": "v1"}
    assert gates.gate.revision.changed == gates.driven.clock.seconds
    assert [one.number for one in gates.gate.earlier] == [1]
    assert gates.gate.earlier[0].commits == {"main": A}


def test_a_target_that_fails_changes_nothing_and_says_why(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    before = gates.put(("/", "main"))
    gates.switch("/", "v1")
    gates.driven.step(events.Offered([]))
    gates.driven.place(B, "v1")
    gates.driven.report(
        "TASK_FAILED", Phase.BUILDING, sha=B, cause=Cause.BUILD_FAILED, detail="RUN make"
    )
    assert gates.driven.preview(B).state is State.FAILED
    assert gates.gate.proposal is not None
    assert gates.gate.proposal.failure.startswith(f"v1 ({B[:7]}) has failed: ")
    assert "`prevs logs hello bbbbbbb`" in gates.gate.proposal.failure
    assert (gates.gate.revision, gates.gate.earlier) == (before.revision, before.earlier)
    # Nobody waits for it any more, and the next change is not about it.
    gates.driven.retry(B)
    gates.run(B)
    assert gates.leads() == {"/": "main"}
    assert gates.switch("/", "v1").revision.number == 3


def test_a_target_that_is_stopped_ends_the_change(gates: GateStory) -> None:
    gates.put(("/", "main"))
    gates.driven.stop(A)
    assert gates.gate.proposal is not None
    assert "was stopped. Somebody stopped it" in gates.gate.proposal.failure


def test_the_next_leader_goes_on_with_what_waits(gates: GateStory) -> None:
    gates.put(("/", "main"))
    gates.driven.znodes.epoch += 1
    later = GateStory(Driven(gates.driven.znodes, gates.driven.clock))
    assert later.gate == gates.gate
    later.run(A)
    assert later.leads() == {"/": "main"}


def test_what_nobody_whom_we_trust_wrote_is_left_out(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.put(("/", "main"))
    gates.driven.znodes.epoch += 1
    rotated = Driven(
        gates.driven.znodes, gates.driven.clock, signed_with=(b"another key", SIGNING_KEY)
    )
    assert rotated.service.snapshot.gates["api"].revision == gates.gate.revision
    (stored, _) = rotated.znodes.records["gates", "api"]
    assert isinstance(stored, GateRecord)
    assert signatures.is_gate_signed((b"another key",), stored)
    assert signatures.is_whole_gate_signed((b"another key",), stored)
    gates.driven.znodes.epoch += 1
    stranger = Driven(gates.driven.znodes, gates.driven.clock, signed_with=(b"of somebody",))
    assert stranger.service.snapshot.gates == {}
    assert stranger.znodes.records["gates", "api"][0] == stored


def test_a_proposal_that_somebody_else_has_written_never_comes_into_force(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    gate = gates.put(("/", "main"))
    assert gates.put(("/", "main"), ("/v1", "main")).signature != gate.signature
    # An attacker who writes to ZooKeeper, and has another framework take over.
    forged = dataclasses.replace(
        gates.gate,
        proposal=Proposal(Revision(3, (Rule("/", (Target("v1"),)),), commits={"v1": B})),
    )
    gates.driven.znodes.records["gates", "api"] = (forged, 0)
    gates.driven.znodes.epoch += 1
    later = Driven(gates.driven.znodes, gates.driven.clock)
    later.tick()
    assert later.service.snapshot.gates == {}
    assert later.znodes.records["gates", "api"] == (forged, 0)


def test_only_changed_rules_are_waited_for(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    gates.put(("/", "main"), ("/v1", "v1"))
    gates.driven.stop(B)
    assert gates.plan(("/", "v2"), ("/v1", "v1")).awaited == ("v2",)
    assert gates.plan(("/", "main"), ("/v1", "v1"), override=("header",)).awaited == ()


def test_two_switches_that_wait_are_put_in_force_together(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.put(("/", "main"), ("/v1", "main"))
    gates.switch("/v1", "v1")
    gates.switch("/", "v2")
    gates.run(C)
    assert gates.leads() == {"/": "main", "/v1": "main"}
    gates.run(B)
    assert gates.leads() == {"/": "v2", "/v1": "v1"}
    assert gates.gate.revision.number == 3


def test_a_rollback_ends_what_waits(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    before = gates.put(("/", "main"))
    gates.switch("/", "v1")
    back = gates.roll_back()
    assert (back.revision, back.proposal) == (before.revision, None)
    gates.run(B)
    assert gates.leads() == {"/": "main"}
    # Who has seen the second revision has not seen the next one.
    assert gates.switch("/", "v1").revision.number == 3


def test_a_rollback_leads_to_the_commits_of_then(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    gates.put(("/", "main"), ("/v1", "v1"))
    gates.driven.step(events.HeadsFetched("hello", Heads({"main": D, "v1": B, "v2": C})))
    gates.run(D)
    gates.driven.run(C, "v2")
    # The branch moved while the revision was in force: what it led to last counts.
    gates.put(("/", "v2"), ("/v1", "v2"))
    assert gates.gate.earlier[0].commits == {"main": D, "v1": B}
    gates.driven.step(events.HeadsFetched("hello", Heads({"main": A, "v1": B, "v2": C})))
    gates.driven.run(A, "main")
    gates.roll_back()
    assert gates.leads() == {"/": D, "/v1": "v1"}
    assert D in gates.driven.placements()[D]
    assert (gates.gate.revision.number, gates.gate.revision.by) == (3, "ada")
    gates.roll_back(2)
    assert gates.leads() == {"/": "v2", "/v1": "v2"}


def test_a_rollback_starts_what_does_not_run_any_more(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.put(("/", "main"))
    gates.driven.run(B, "v1")
    gates.switch("/", "v1")
    gates.driven.stop(A)
    gates.driven.update("TASK_KILLED", sha=A)
    assert gates.driven.preview(A).state is State.STOPPED
    gates.roll_back()
    assert gates.leads() == {"/": "v1"}
    gates.run(A)
    assert gates.leads() == {"/": A}


def test_there_must_be_something_to_roll_back_to(gates: GateStory) -> None:
    gates.put(("/", "main"))
    for number in (None, 0):
        with pytest.raises(UnknownRevision, match="was written once"):
            gates.roll_back(number)
    gates.driven.run(A, "main")
    gates.put(("/", "main"))
    with pytest.raises(UnknownRevision, match="was written once"):
        gates.roll_back()
    with pytest.raises(UnknownRevision, match="written once"):
        gates.roll_back(7)
    with pytest.raises(UnknownGate):
        gates.driven.gate_commands.plan_rollback("other", None, by="ada")


def test_what_is_written_twice_is_no_change(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    before = gates.put(("/", "main"))
    assert gates.put(("/", "main")) == before
    changed = gates.put(("/", "main"), hosts=("api.example.com",), keep=True)
    assert (changed.hosts, changed.keep) == (("api.example.com",), True)
    assert (changed.revision.rules, changed.earlier) == (before.revision.rules, ())
    assert (changed.revision.number, changed.revision.commits) == (2, {"main": A})


def test_a_gate_that_was_changed_meanwhile_is_not_overwritten(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    plan = gates.plan(("/", "main"))
    gates.put(("/", "v1"))
    with pytest.raises(GateChanged):
        gates.carry_out(plan)
    assert gates.leads() == {"/": "v1"}


def test_gates_and_apps_have_different_names(gates: GateStory) -> None:
    gates.put(("/", "main"), name="shop")
    with pytest.raises(NameOfGate, match="is that of a gate of the app 'hello'"):
        gates.driven.add_app(dataclasses.replace(APP, name="shop"))
    gates.driven.add_app(dataclasses.replace(APP, name="cart"))
    with pytest.raises(InvalidSettings, match="cannot be the name of another app"):
        gates.put(("/", "main"), name="cart")
    gates.put(("/", "main"), name="hello")
    with pytest.raises(InvalidSettings, match="is an address of the gate shop"):
        gates.put(("/", "main"), name="other", hosts=("shop.localhost",))


def test_a_host_that_waits_with_a_change_is_taken(gates: GateStory) -> None:
    gates.put(("/", "main"), hosts=("api.example.com",))
    with pytest.raises(InvalidSettings, match="is an address of the gate api"):
        gates.put(("/", "main"), name="other", hosts=("API.example.com",))


def test_gates_go_with_their_app(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.put(("/", "main"))
    task = gates.driven.task(A)
    gates.driven.commands.remove_app("hello")
    with pytest.raises(UnknownApp):
        gates.switch("/", "v1")
    gates.driven.tick(31)
    gates.driven.update("TASK_KILLED", task=task)
    gates.driven.step(events.MirrorRemoved("hello"))
    assert not any(key[0] == "gates" for key in gates.driven.znodes.records)


def settle(driven: Driven) -> None:
    """Let a proxy report for as long as idle previews need to stop."""
    for _ in range(int((SETTLING_SECONDS + BUSY_SECONDS) / 10) + 2):
        driven.use("", proxy="p1")
        driven.tick(10)


def test_a_kept_gate_keeps_its_targets_and_for_a_while_those_before() -> None:
    gates = GateStory(Driven())
    gates.driven.add_app(dataclasses.replace(HELLO, idle_after=60))
    gates.driven.znodes.proxies = [ProxyRecord()]
    for sha, label in ((A, "main"), (B, "v1"), (C, "v2")):
        gates.driven.run(sha, label)
    gates.put(("/", "main"), keep=True)
    gates.put(("/", "v1"), keep=True)
    settle(gates.driven)
    running = {one.sha for one in gates.driven.service.snapshot.previews.values() if one.task_id}
    assert {A, B} <= running
    assert gates.driven.preview(C).state is not State.RUNNING
    gates.driven.clock.pass_seconds(AFTERWARDS_SECONDS)
    settle(gates.driven)
    assert gates.driven.preview(A).state is not State.RUNNING
    assert gates.driven.preview(B).state is State.RUNNING


def test_what_is_in_force_at_the_proxies_is_known(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.proxy()
    gates.put(("/", "main"))
    gates.driven.step()
    assert gates.driven.service.snapshot.behind == {"api": (1, 1)}
    assert gates.driven.count("prevs_gates_behind") == 1
    gates.proxy(api=1)
    gates.driven.tick()
    assert gates.driven.service.snapshot.behind == {"api": (0, 1)}
    assert gates.driven.count("prevs_gates_behind") == 0
    # A proxy of an earlier version tells nothing, and is asked seldom.
    gates.driven.run(B, "v1")
    gates.switch("/", "v1")
    gates.driven.tick(SELDOM_SECONDS)
    assert gates.driven.service.snapshot.behind == {"api": (1, 1)}
    gates.proxy(api=2)
    gates.driven.tick(SELDOM_SECONDS)
    assert gates.driven.service.snapshot.behind == {"api": (0, 1)}
    gates.driven.gate_commands.remove("api")
    gates.driven.tick()
    assert gates.driven.service.snapshot.behind == {}


def test_what_was_known_of_a_revision_is_never_said_of_the_next(gates: GateStory) -> None:
    gates.driven.run(A, "main")
    gates.driven.run(B, "v1")
    gates.proxy(api=1)
    gates.put(("/", "main"))
    service, plan = gates.driven.service, gates.plan(("/", "v1"))
    assert service.snapshot.behind == {"api": (0, 1)}
    answer: Future[GateRecord] = Future()
    seen: list[Snapshot] = []
    answer.add_done_callback(lambda _: seen.append(service.snapshot))
    service.step([events.Call(lambda: service.gate_commands.carry_out(plan, {"v1": B}), answer)])
    (at_once,) = seen
    assert (at_once.gate("api").revision.number, at_once.behind) == (2, {})
    assert service.snapshot.behind == {"api": (1, 1)}
