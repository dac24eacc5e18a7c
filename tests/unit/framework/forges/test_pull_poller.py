"""Looks at a forge, through the service, over fakes."""

import contextlib
import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from framework import events
from framework.forges.pull_poller import KEPT_SECONDS, PullPoller, periods
from framework.polling.turns import Read
from framework.ports import Heads
from framework.pulls import looks
from framework.pulls.errors import NeedsNoApproval, NotApproved, NotTheHead, UnknownPull
from prevs.pulls import PullRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.driven import APP, Driven
from tests.fakes.forge import FakeForge

HEADS = [digit * 40 for digit in "abcd"]
A, B, C, _ = HEADS


class World:
    """A framework that looks at a forge when a test says so."""

    def __init__(self, forks: str = "approve", forge: FakeForge | None = None) -> None:
        self.driven = Driven()
        self.driven.commands.add_app(APP)
        changes = {"pulls": "all", "forks": forks}
        self.driven.commands.change_app("hello", changes)
        self.forge = forge or FakeForge()
        self.fetched: list[str] = []
        self.poller = PullPoller(
            lambda _: self.forge,
            self.driven.step,
            lambda: self.driven.service.snapshot,
            fetch=lambda app: self.fetched.append(app.name),
            clock=self.driven.clock.clock.monotonic,
        )

    def look(self) -> bool:
        return self.poller.look("hello")

    @property
    def pulls(self) -> dict[int, PullRecord]:
        return dict(self.driven.service.snapshot.pulls.get("hello", {}))

    def is_open(self, number: int) -> bool:
        return self.pulls[number].closed is None

    def approve(self, number: int, commit: str) -> None:
        self.driven.commands.approve("hello", number, commit, by="ada")

    def start(self, number: int, sha: str) -> None:
        """Open the address of a commit that a pull request alone reaches."""
        refs = (f"pull/{number}",)
        self.driven.commands.start("hello", sha, f"pr-{number}", refs=refs)


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_look_sees_is_stored_and_a_missing_one_is_closed_once_the_forge_says_so(
    world: World,
) -> None:
    world.forge.push(7, A)
    world.forge.push(8, B, is_fork=False)
    assert world.look()
    assert [world.pulls[7].sha, world.pulls[8].is_fork] == [A, False]
    world.forge.change(7, is_open=False)
    world.forge.lost = {7}
    assert not world.look()
    assert world.is_open(7)
    look = world.driven.service.snapshot.find_look("hello")
    assert "does not answer" in look.problem
    world.forge.lost = set()
    assert world.look()
    assert not world.is_open(7)
    assert world.driven.service.snapshot.find_look("hello").problem == ""
    world.driven.clock.pass_seconds(looks.KEPT_SECONDS)
    world.look()
    assert set(world.pulls) == {8}


def test_a_metric_shows_how_old_the_last_look_is(world: World) -> None:
    assert world.look()
    world.driven.clock.pass_seconds(90)
    world.forge.away = True
    assert not world.look()
    assert world.driven.count("prevs_forge_last_look_seconds") == 90


def test_what_is_wrong_at_a_forge_is_logged_once(world: World) -> None:
    with capture_logs() as logs:
        for away in (True, True, False, True):
            world.forge.away = away
            world.look()
    warned = [one["app"] for one in logs if one["log_level"] == "warning"]
    assert warned == ["hello"] * 2


def test_a_pull_request_with_another_target_keeps_what_it_had(world: World) -> None:
    world.forge.push(7, A)
    world.look()
    world.approve(7, A)
    before = world.pulls[7]
    world.forge.pulls[7] = world.forge.pulls[7]._replace(base="v2")
    world.forge.comment(7, "ada", "It is for v2.")
    world.look()
    after = world.pulls[7]
    assert after.base == "v2"
    assert after.approved_commit == A
    assert after == dataclasses.replace(before, base="v2", updated=after.updated)


def test_a_look_at_what_has_not_changed_finds_what_is_missing_in_the_records(world: World) -> None:
    world.forge.push(7, A)
    world.look()
    record = world.pulls[7]
    world.driven.call(lambda: world.driven.records.pulls.remove(record))
    assert world.look()
    assert world.pulls[7] == record


def test_a_pull_request_whose_ref_or_commit_is_odd_is_left_out(world: World) -> None:
    world.forge.push(7, A)
    good = world.forge.pulls[7]
    for number, (ref, sha) in enumerate(
        (
            ("heads/main", A),
            ("pull/6/head", A),
            ("pull/*/head", A),
            ("pull/23/head", "-x"),
            ("pull/24/head", A[:12]),
        ),
        start=20,
    ):
        world.forge.pulls[number] = good._replace(number=number, ref=ref, sha=sha)
    world.look()
    assert set(world.pulls) == {7}


def test_a_title_is_safe_to_show(world: World) -> None:
    world.forge.push(7, A)
    title = "\x1b[31mSell\n\u202e" + "x" * 1000
    world.forge.pulls[7] = world.forge.pulls[7]._replace(title=title, url="javascript:alert(1)")
    world.look()
    assert world.pulls[7].title.startswith("Sell x")
    assert len(world.pulls[7].title) == looks.LONGEST_TITLE
    assert world.pulls[7].url == ""
    assert len(world.pulls[7].encode()) < 1500


def test_the_fork_of_a_member_is_trusted_for_as_long_as_he_may_write() -> None:
    world = World("members")
    world.forge.writers = {"ada"}
    world.forge.push(7, A, author="ada")
    world.forge.push(8, B, author="eve")
    world.look()
    world.start(7, A)
    assert not world.driven.preview(A).stranger
    with pytest.raises(NotApproved):
        world.start(8, B)
    world.forge.writers = set()
    world.look()
    assert world.pulls[7].may_write
    world.driven.clock.pass_seconds(KEPT_SECONDS)
    world.look()
    assert not world.pulls[7].may_write


def test_a_member_who_opens_a_pull_request_from_a_strangers_fork_does_not_vouch_for_it() -> None:
    world = World("members")
    world.forge.writers = {"ada", "bob"}
    for number, owner in ((7, "eve"), (8, "bob"), (9, "")):
        world.forge.push(number, HEADS[number - 7], author="ada")
        world.forge.owners[number] = owner
    world.look()
    assert [world.pulls[number].may_write for number in (7, 8, 9)] == [False, True, False]
    before = len(world.forge.calls)
    world.look()
    assert "head_owner" not in world.forge.calls[before:]


@pytest.mark.parametrize(
    ("author", "text", "approved"),
    [
        ("ada", f"Looks good.\r\n/prevs approve {A}\r\n", A),
        ("ada", f"/prevs approve {A[:12]}", ""),
        ("ada", f"> /prevs approve {A}", ""),
        ("ada", f"/prevs approve {B}", ""),
        ("eve", f"/prevs approve {A}", ""),
    ],
)
def test_a_comment_of_somebody_who_may_write_approves_the_head(
    world: World, author: str, text: str, approved: str
) -> None:
    world.forge.writers = {"ada"}
    world.forge.push(7, A)
    world.look()
    world.forge.comment(7, author, text)
    world.look()
    assert world.pulls[7].approved_commit == approved
    assert world.pulls[7].approved_by == ("ada" if approved else "")
    before = len(world.forge.calls)
    world.look()
    assert "comments" not in world.forge.calls[before:]


def test_the_repository_is_fetched_after_a_look_that_lets_other_commits_be_built(
    world: World,
) -> None:
    world.forge.push(7, A)
    steps: list[tuple[int, Callable[[], object]]] = [
        (1, lambda: None),
        (1, lambda: None),
        (2, lambda: world.approve(7, A)),
        (3, lambda: world.forge.push(7, B)),
        (4, lambda: world.forge.change(7, is_open=False)),
        (4, lambda: None),
    ]
    for fetches, act in steps:
        act()
        assert world.look()
        assert len(world.fetched) == fetches


def test_a_comment_is_no_change_except_where_it_may_approve(world: World) -> None:
    world.forge.push(7, A, is_fork=False)
    world.forge.push(8, B)

    def turn() -> Read:
        return world.poller.take_turn("hello")

    assert turn() is Read.SAME
    world.forge.comment(7, "prevs-bot", "It follows this pull request.")
    assert turn() is Read.SAME
    world.forge.comment(8, "ada", f"/prevs approve {B}")
    assert turn() is Read.CHANGED
    world.forge.push(7, C, is_fork=False)
    assert turn() is Read.CHANGED


def test_only_apps_that_follow_pull_requests_are_looked_at(world: World) -> None:
    snapshot = world.driven.service.snapshot
    assert periods(snapshot, 60.0) == {"hello": 60.0}
    off = {"hello": dataclasses.replace(snapshot.apps["hello"], pulls="off")}
    snapshot = snapshot._replace(apps=off)
    assert periods(snapshot, 60.0) == {}
    submitted: list[events.Event] = []
    # A webhook causes a turn of an app that follows none, too.
    assert PullPoller(lambda _: None, submitted.append, lambda: snapshot).look("hello")
    assert submitted == []


def test_an_app_without_a_forge_is_shown_as_such(world: World) -> None:
    poller = PullPoller(lambda _: None, world.driven.step, lambda: world.driven.service.snapshot)
    assert not poller.look("hello")
    assert "--forge" in world.driven.service.snapshot.find_look("hello").problem


def test_the_preview_of_a_pull_request_that_is_closed_ends(world: World) -> None:
    world.forge.push(7, A, is_fork=False)
    world.look()
    world.start(7, A)
    refs = {A: ("pull/7",)}
    world.driven.step(events.HeadsFetched("hello", Heads({"main": B, "pr-7": A}, refs)))
    assert world.driven.preview(A).unreferenced_since is None
    # Whoever has opened the commit by its id keeps it no longer than the pull request is open.
    world.driven.commands.start("hello", A, A, refs=("pull/7",))
    for _ in range(2):
        world.driven.step(events.HeadsFetched("hello", Heads({"main": B})))
        world.driven.clock.pass_seconds(3600)
    world.driven.step(events.HeadsFetched("hello", Heads({"main": B})))
    assert preview_unit("hello", A) not in world.driven.service.snapshot.previews


def test_nothing_in_the_queue_starts_after_its_pull_request_was_closed(world: World) -> None:
    world.forge.push(7, A)
    world.look()
    world.approve(7, A)
    world.start(7, A)
    assert world.driven.preview(A).state is State.QUEUED
    world.forge.change(7, is_open=False)
    world.look()
    assert world.driven.preview(A).state is State.STOPPED
    assert world.driven.preview(A).reason_kind == "not-approved"


NUMBERS = st.sampled_from([7, 8])
STEPS = st.one_of(
    st.tuples(st.just("push"), NUMBERS, st.sampled_from(HEADS)),
    st.tuples(st.just("close"), NUMBERS, st.just("")),
    st.tuples(st.just("reopen"), NUMBERS, st.just("")),
    st.tuples(st.just("approve"), NUMBERS, st.sampled_from(HEADS)),
    st.tuples(st.just("start"), NUMBERS, st.sampled_from(HEADS)),
    st.tuples(st.sampled_from(["look", "fail", "lose"]), NUMBERS, st.just("")),
)


class Story(World):
    """Anything may happen; `approvals` are those that the framework has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.approvals: set[tuple[int, str]] = set()

    def do(self, what: str, number: int, sha: str) -> None:
        known = number in self.forge.pulls
        match what:
            case "push":
                self.forge.push(number, sha)
            case "close" | "reopen" if known:
                self.forge.change(number, is_open=what == "reopen")
            case "approve":
                with contextlib.suppress(NeedsNoApproval, NotTheHead, UnknownPull):
                    self.approve(number, sha)
                    self.approvals.add((number, sha))
            case "start":
                try:
                    self.start(number, sha)
                except (NotApproved, UnknownPull):
                    return
                # Nothing of a stranger's starts without an approval of exactly this commit.
                assert (number, sha) in self.approvals
                assert self.driven.preview(sha).stranger
            case "fail":
                self.forge.away = True
                self.look()
                self.forge.away = False
            case "lose":
                self.forge.lost = {number}
                self.look()
                self.forge.lost = set()
            case "look":
                self.look()


@given(st.lists(STEPS, max_size=25))
def test_any_story_ends_in_the_state_of_one_look_at_the_last_truth(
    steps: list[tuple[str, int, str]],
) -> None:
    story = Story()
    for what, number, sha in steps:
        story.do(what, number, sha)
    story.look()
    alone = World(forge=story.forge)
    alone.look()
    is_open = {number: one for number, one in story.pulls.items() if one.closed is None}
    plain = {
        number: dataclasses.replace(one, approved_commit="", approved_by="", approved_at=0.0)
        for number, one in is_open.items()
    }
    assert plain == alone.pulls
    for number, one in is_open.items():
        assert not one.approved_commit or (number, one.approved_commit) in story.approvals


@pytest.mark.parametrize(
    ("branch", "is_fork", "kept"),
    [
        ("feature/größe", False, "feature/größe"),
        ("cart", True, ""),
        ("x" * 201, False, ""),
        ("a\u202eb", False, ""),
    ],
)
def test_only_a_branch_of_the_repository_itself_is_kept(
    world: World, branch: str, is_fork: bool, kept: str
) -> None:
    world.forge.push(7, A, is_fork=is_fork)
    world.forge.pulls[7] = world.forge.pulls[7]._replace(branch=branch)
    world.look()
    assert world.pulls[7].branch == kept
