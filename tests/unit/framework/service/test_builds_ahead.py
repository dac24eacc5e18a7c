"""Builds ahead through the service: what is built, what ends, and what a visitor sees of it."""

from collections.abc import Mapping
from typing import Any

import pytest

from framework import events
from framework.ports import Heads
from framework.ports.forges import Pull
from framework.pulls.new_heads import MOST
from framework.scheduling.idleness import SETTLING_SECONDS, UNVISITED, UNVISITED_SECONDS
from framework.service.builds_ahead import SUPERSEDED, SWITCHED_OFF
from framework.service.manifest_loader import SKIPPED
from framework.units import reasons
from prevs.records import PreviewRecord
from prevs.states import Cause, Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import A, B, C, Driven
from tests.fakes.offers import offer


def change(driven: Driven, **changes: object) -> None:
    driven.commands.change_app("hello", changes)


@pytest.fixture
def driven(driven: Driven) -> Driven:
    change(driven, warm="branches")
    return driven


def push(driven: Driven, *, pulls: Mapping[int, str] | None = None, **branches: str | None) -> None:
    """Let a fetch find these branches, and the heads of these pull requests."""
    refs: dict[str, tuple[str, ...]] = {}
    for number, sha in (pulls or {}).items():
        refs[sha] = (f"pull/{number}",)
    for name, head in branches.items():
        if head:
            refs[head] = (*refs.get(head, ()), f"heads/{name}")
    labels = {f"pr-{number}": sha for number, sha in (pulls or {}).items()}
    commits: dict[str, str | None] = {**labels, **branches}
    driven.step(events.HeadsFetched("hello", Heads(commits, refs)))


def pull(number: int, sha: str, *, title: str = "", fork: bool = False) -> Pull:
    ref = f"pull/{number}/head"
    return Pull(number, sha, ref, "main", fork, "ada", title, 1.0, url="", repository="7")


def look(driven: Driven, *pulls: Pull) -> None:
    driven.step(events.PullsSeen("hello", pulls))


def run(driven: Driven, sha: str) -> None:
    driven.offer()
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=sha)


def found(driven: Driven) -> dict[str, PreviewRecord]:
    return {one.sha: one for one in driven.service.snapshot.previews.values()}


def restart(driven: Driven) -> Driven:
    return Driven(driven.znodes, driven.clock)


def test_the_first_fetch_builds_nothing_and_each_later_head_once(driven: Driven) -> None:
    push(driven, main=A, dev=A)
    assert found(driven) == {}
    push(driven, main=B, dev=A, new=C)
    assert set(found(driven)) == {B, C}
    built = driven.preview(B)
    assert (built.state, built.labels, built.refs) == (State.QUEUED, ("main",), ("heads/main",))
    assert (built.ahead, built.last_used, built.reason) == (True, None, reasons.AHEAD.text)
    before = len(driven.store.written)
    push(driven, main=B, dev=A, new=C)
    assert len(driven.store.written) == before


def test_without_the_setting_nothing_is_built(driven: Driven) -> None:
    push(driven, main=A)
    for warm in ("off", "pulls", "of-a-later-version"):
        change(driven, warm=warm)
        push(driven, main=A)
        push(driven, main=B)
    assert found(driven) == {}


def test_a_push_while_it_was_off_is_not_new_afterwards(driven: Driven) -> None:
    push(driven, main=A)
    change(driven, warm="off")
    change(driven, warm="branches")
    push(driven, main=B)
    assert found(driven) == {}


def test_the_branches_are_not_new_when_they_are_built_beside_pull_requests(driven: Driven) -> None:
    change(driven, warm="pulls")
    push(driven, main=A)
    change(driven, warm="branches")
    push(driven, main=A, dev=B)
    assert found(driven) == {}
    push(driven, main=A, dev=C)
    assert set(found(driven)) == {C}


def test_another_repository_has_no_new_heads_at_first(driven: Driven) -> None:
    push(driven, main=A)
    change(driven, repository="/srv/other")
    push(driven, main=B)
    assert found(driven) == {}
    push(driven, main=C)
    assert set(found(driven)) == {C}


def test_it_stops_soon_after_it_runs_and_the_first_visit_starts_it_there(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    run(driven, B)
    driven.tick(UNVISITED_SECONDS - 1)
    driven.tick(SETTLING_SECONDS)  # only then is all use known
    assert driven.preview(B).state is State.DRAINING
    assert driven.preview(B).reason == UNVISITED.text
    driven.update("TASK_KILLED", sha=B)
    stopped = driven.preview(B)
    assert (stopped.state, stopped.ahead, stopped.agent_id) == (State.STOPPED, True, "agent-1")
    assert driven.count("prevs_builds_ahead_total", outcome="built") == 1
    driven.start(B, "main")
    driven.step(events.Offered([offer("o2", agent="agent-0", mem=512), offer("o3", mem=4096)]))
    assert driven.preview(B).agent_id == "agent-1"
    assert not driven.preview(B).ahead


def test_it_runs_on_once_somebody_has_used_it(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    run(driven, B)
    driven.tick(UNVISITED_SECONDS / 2)
    driven.use(B, requests=1)
    assert (driven.preview(B).ahead, driven.preview(B).last_used) == (False, driven.clock.seconds)
    driven.tick(10 * SETTLING_SECONDS)
    assert driven.preview(B).state is State.RUNNING


def test_a_visitor_makes_it_an_ordinary_preview_behind_those_who_came_before(
    driven: Driven,
) -> None:
    push(driven, main=A)
    push(driven, main=B)
    driven.tick()
    driven.start(C, "dev")
    assert driven.service.snapshot.queue_places == {
        preview_unit("hello", C): 1,
        preview_unit("hello", B): 2,
    }
    driven.tick()
    driven.start(A, "old")
    driven.tick()
    driven.start(B, "main")
    assert driven.service.snapshot.queue_places[preview_unit("hello", B)] == 3
    visited = driven.preview(B)
    assert (visited.ahead, visited.reason, visited.changed) == (False, "", driven.clock.seconds)
    assert visited.last_used == driven.clock.seconds
    assert driven.count("prevs_builds_ahead_total", outcome="visited") == 1


def test_a_superseded_build_ends_with_the_reason_and_its_record_goes(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    driven.offer()
    driven.report("TASK_STARTING", Phase.BUILDING, sha=B)
    push(driven, main=C)
    assert (driven.preview(B).state, driven.preview(B).reason) == (State.DRAINING, SUPERSEDED.text)
    assert driven.preview(C).state is State.QUEUED
    driven.update("TASK_KILLED", sha=B)
    push(driven, main=C)
    assert set(found(driven)) == {C}
    assert driven.count("prevs_builds_ahead_total", outcome="superseded") == 1


def test_a_deleted_branch_ends_what_waits_for_it(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=A, dev=B)
    push(driven, main=A)
    assert (driven.preview(B).state, driven.preview(B).reason) == (State.STOPPED, SUPERSEDED.text)
    push(driven, main=A)
    assert found(driven) == {}


def test_a_superseded_build_that_somebody_waits_for_goes_on(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    driven.start(B, "main")
    push(driven, main=C)
    assert driven.preview(B).state is State.QUEUED
    assert C not in found(driven)  # the label stays with the commit that is waited for
    run(driven, B)
    push(driven, main=C)
    assert not driven.preview(C).ahead  # it follows the running one, as without `warm`


def test_a_head_that_comes_back_is_built_after_all(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    push(driven, main=C, other=B)
    push(driven, main=C)
    push(driven, main=B)
    assert driven.preview(B).state is State.QUEUED


def test_a_failed_build_is_neither_repeated_nor_forgotten(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B)
    driven.offer()
    driven.report("TASK_FAILED", Phase.ENDED, sha=B, cause=Cause.BUILD_FAILED)
    push(driven, main=B)
    push(driven, main=B, dev=B)
    assert driven.preview(B).state is State.FAILED
    assert driven.count("prevs_builds_ahead_total", outcome="failed") == 1


def test_a_subject_or_a_title_asks_for_no_build(driven: Driven) -> None:
    change(driven, pulls="all")
    driven.manifests.subjects[B] = "Fix a typo [skip preview]"
    look(driven)
    push(driven, main=A)
    push(driven, main=B)
    assert (driven.preview(B).state, driven.preview(B).reason) == (State.STOPPED, SKIPPED.text)
    assert driven.count("prevs_builds_ahead_total", outcome="skipped") == 1
    look(driven, pull(7, C, title="[Preview Skip] Try"))
    push(driven, main=B, pulls={7: C})
    assert set(found(driven)) == {B}
    driven.start(B, "main")
    assert driven.preview(B).state is State.QUEUED


def test_a_new_leader_repeats_nothing_and_builds_what_moved_meanwhile(driven: Driven) -> None:
    push(driven, main=A, dev=A)
    push(driven, main=B, dev=A)
    new = restart(driven)
    push(new, main=B, dev=A)
    assert set(found(new)) == {B}
    newer = restart(driven)
    push(newer, main=C, dev=A, other=A)
    assert newer.preview(B).state is State.STOPPED
    assert newer.preview(C).ahead
    assert set(found(newer)) == {B, C}


def test_switching_it_off_ends_what_waits(driven: Driven) -> None:
    push(driven, main=A)
    push(driven, main=B, dev=C)
    driven.start(C, "dev")
    change(driven, warm="off")
    assert (driven.preview(B).state, driven.preview(B).reason) == (
        State.STOPPED,
        SWITCHED_OFF.text,
    )
    assert driven.preview(C).state is State.QUEUED


def test_only_so_many_wait_and_the_others_follow(driven: Driven) -> None:
    heads: dict[str, Any] = {f"b{number}": f"{number:040x}" for number in range(MOST + 3)}
    push(driven, main=A)
    push(driven, main=A, **heads)
    assert len(found(driven)) == MOST
    first = min(found(driven))
    driven.start(first, found(driven)[first].labels[0])
    push(driven, main=A, **heads)
    assert len(found(driven)) == MOST + 1


def test_pull_requests_are_built_once_they_may_be_and_end_with_them(driven: Driven) -> None:
    change(driven, warm="pulls", pulls="all")
    look(driven, pull(1, A))
    push(driven, main=C, pulls={1: A})
    assert found(driven) == {}  # it was open before
    look(driven, pull(1, A), pull(2, B, fork=True))
    driven.step(
        events.HeadsFetched("hello", Heads({"main": A, "pr-1": A, "pr-2": None}, {C: ("x",)}))
    )
    assert found(driven) == {}  # a stranger's waits
    driven.commands.approve("hello", 2, B, by="ada")
    push(driven, main=A, pulls={1: A, 2: B})
    assert (driven.preview(B).labels, driven.preview(B).stranger) == (("pr-2",), True)
    look(driven, pull(1, A), pull(2, B, fork=True)._replace(is_open=False))
    push(driven, main=A, pulls={1: A})
    assert found(driven) == {}


def test_pull_requests_of_before_are_not_new_when_they_begin_to_be_followed(driven: Driven) -> None:
    push(driven, main=A)
    change(driven, pulls="all")
    look(driven, pull(1, B))
    push(driven, main=A, pulls={1: B})
    assert found(driven) == {}
    look(driven, pull(1, C))
    push(driven, main=A, pulls={1: C})
    assert set(found(driven)) == {C}


def test_a_pull_request_that_git_could_not_fetch_is_not_new_afterwards(driven: Driven) -> None:
    change(driven, pulls="all")
    look(driven, pull(1, B))
    push(driven, main=A, pulls={1: B})
    push(driven, main=A)
    push(driven, main=A, pulls={1: B})
    assert found(driven) == {}


def test_a_build_ahead_makes_room_for_a_visitor_before_anything_else(driven: Driven) -> None:
    driven.run(A)
    push(driven, main=A)
    push(driven, main=A, dev=B)
    driven.offer()
    driven.report("TASK_STARTING", Phase.BUILDING, sha=B)
    driven.tick(SETTLING_SECONDS)
    driven.use("", proxy="p1")
    change(driven, max_previews=2)
    driven.start(C, "other")
    for _ in range(3):
        driven.offer("o2")
        driven.tick()
    assert driven.preview(A).state is State.RUNNING
    assert driven.preview(B).state is State.DRAINING
    assert driven.count("prevs_builds_ahead_total", outcome="evicted") == 1


def test_one_that_has_just_begun_to_run_may_be_in_use_and_makes_no_room_yet(driven: Driven) -> None:
    change(driven, max_previews=2)
    driven.tick(SETTLING_SECONDS)
    push(driven, main=A)
    push(driven, main=A, dev=B)
    run(driven, B)
    driven.run(A)
    driven.start(C, "other")
    for _ in range(3):
        driven.tick()
        driven.offer("o2")
    assert driven.preview(B).state is State.RUNNING
    driven.tick(UNVISITED_SECONDS)
    driven.offer("o3")
    assert driven.preview(B).state is State.DRAINING
