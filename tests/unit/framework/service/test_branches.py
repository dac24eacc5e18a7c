import dataclasses

import pytest

from framework import events
from framework.matching.limits import Limits
from framework.ports import Heads
from framework.service.branches import GONE
from prevs.pulls import PullRecord
from prevs.states import Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import A, B, C, Driven

HOUR = Limits().unreferenced


def heads(driven: Driven, **labels: str | None) -> None:
    driven.step(events.HeadsFetched("hello", Heads(labels)))


def test_a_moved_branch_is_served_by_the_old_commit_until_the_new_one_runs(driven: Driven) -> None:
    driven.run()
    driven.step(events.HeadsFetched("hello", Heads({"main": B})))
    assert driven.preview(B).state is State.QUEUED
    assert driven.preview(B).labels == ("main",)
    assert driven.placements() == {A: ("main",)}
    driven.offer("o2")
    before = len(driven.store.written)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    assert driven.placements() == {A: (), B: ("main",)}
    changes = [r for r in driven.store.written[before:] if not hasattr(r, "state")]
    assert len(changes) == 1
    assert driven.preview(A).state is State.RUNNING


def test_following_a_branch_does_not_restart_a_commit_that_somebody_stopped(driven: Driven) -> None:
    driven.run()
    driven.step(events.HeadsFetched("hello", Heads({"main": B})))
    driven.stop(B)
    driven.step(events.HeadsFetched("hello", Heads({"main": B})))
    assert driven.preview(B).state is State.STOPPED


def test_heads_of_labels_without_a_preview_start_nothing(driven: Driven) -> None:
    driven.run()
    driven.step(
        events.HeadsFetched("hello", Heads({"other": B, "main": A})),
        events.HeadsFetched("gone", Heads({"x": B})),
    )
    assert list(driven.service.snapshot.previews) == [preview_unit("hello", A)]


def test_an_ambiguous_label_moves_nothing_and_does_not_vanish(driven: Driven) -> None:
    driven.run()
    heads(driven, main=None)
    assert list(driven.service.snapshot.previews) == [preview_unit("hello", A)]
    assert driven.preview().unreferenced_since is None


def test_a_preview_without_its_branch_is_marked_and_unmarked(driven: Driven) -> None:
    driven.run()
    heads(driven, other=B)
    assert driven.preview().unreferenced_since == driven.clock.seconds
    before = driven.clock.seconds
    driven.tick(9)
    heads(driven, other=B)
    assert driven.preview().unreferenced_since == before
    heads(driven, main=A)
    assert driven.preview().unreferenced_since is None


def test_a_preview_without_its_branch_stops_after_a_while_and_its_record_goes(
    driven: Driven,
) -> None:
    driven.run()
    heads(driven, other=B)
    driven.tick(HOUR)
    assert driven.preview().state is State.RUNNING
    heads(driven, other=B)
    assert (driven.preview().state, driven.preview().reason) == (State.DRAINING, GONE.text)
    driven.update("TASK_KILLED")
    assert (driven.preview().state, driven.preview().reason) == (State.STOPPED, GONE.text)
    heads(driven, other=B)
    assert driven.service.snapshot.previews == {}
    assert [key for key in driven.znodes.records if key[0] == "previews"] == []
    assert driven.start().state is State.QUEUED


@pytest.mark.parametrize("pinned", [False, True])
def test_what_only_a_closed_pull_request_has_reached_goes_at_once(
    driven: Driven, *, pinned: bool
) -> None:
    pull = PullRecord("hello", 7, A, "pull/7/head", is_fork=False)
    driven.commands.change_app("hello", {"pulls": "all"})
    driven.call(lambda: driven.records.pulls.save_all([pull]))
    driven.commands.start("hello", A, "pr-7", refs=("pull/7",))
    driven.offer()
    driven.report("TASK_RUNNING", Phase.RUNNING)
    if pinned:
        driven.pin()
    heads(driven, main=B)  # the look that finds it closed is not there yet
    assert driven.preview().state is State.RUNNING
    closed = dataclasses.replace(pull, closed=driven.clock.seconds)
    driven.call(lambda: driven.records.pulls.save_all([closed]))
    heads(driven, main=B)
    if pinned:
        assert driven.preview().state is State.RUNNING
        return
    assert (driven.preview().state, driven.preview().reason) == (State.DRAINING, GONE.text)
    driven.update("TASK_KILLED")
    heads(driven, main=B)
    assert driven.service.snapshot.previews == {}


def test_a_waiting_or_failed_preview_without_its_branch_goes_too(driven: Driven) -> None:
    driven.start(A, "waits")
    driven.start(B, "fails")
    driven.offer()
    driven.report("TASK_FAILED", Phase.ENDED, sha=B)
    driven.update("TASK_ERROR", sha=A)
    driven.retry(A)
    for _ in range(3):
        heads(driven, other=C)
        driven.tick(HOUR)
    assert driven.service.snapshot.previews == {}


def test_an_empty_or_missing_listing_makes_nothing_vanish(driven: Driven) -> None:
    driven.run()
    heads(driven)
    assert driven.preview().unreferenced_since is None
    heads(driven, other=B)
    driven.tick(2 * HOUR)
    heads(driven)
    driven.tick()
    assert driven.preview().state is State.RUNNING
