"""A push that changes nothing of what an app is made of: its preview stays, and serves it too."""

import dataclasses
from collections.abc import Mapping

import pytest

from framework import events
from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.ports import Heads
from framework.ports.forges import Pull
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.records import PreviewRecord
from prevs.states import Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import A, B, C, D, Driven

WATCHED = CommitSettings(watch=("services/web",))


class Mono(Driven):
    """A framework whose app is made of a part of its repository; `same` says what git says."""

    def __init__(self) -> None:
        super().__init__()
        self.add_app()
        self.manifests.contents |= dict.fromkeys((A, B, C, D), WATCHED)
        self.heads: dict[str, str] = {}

    def refs(self, sha: str) -> tuple[str, ...]:
        return tuple(f"heads/{name}" for name, head in self.heads.items() if head == sha)

    def fetch(self, same: Mapping[str, str] | None = None) -> None:
        """Let a fetch find `heads`; `same` are previews that serve labels, as the poller asks."""
        refs = {sha: self.refs(sha) for sha in self.heads.values()}
        heads = Heads(dict(self.heads), refs, same=same or {})
        self.step(events.HeadsFetched("hello", heads))

    def push(self, sha: str, branch: str = "main", *, same: str = "") -> None:
        """Move a branch; the new commit is the `same` as that of a preview."""
        self.heads[branch] = sha
        self.fetch({branch: same} if same else {})

    def open(self, sha: str, label: str, *, same: str = "") -> PreviewRecord:
        """Open an address, as the API does."""
        return self.commands.start("hello", sha, label, refs=self.refs(sha), same=same)

    def found(self) -> dict[str, State]:
        """Return the state of each preview."""
        return {one.sha: one.state for one in self.service.snapshot.previews.values()}


@pytest.fixture
def mono() -> Mono:
    """Return a framework in which main runs at commit A."""
    mono = Mono()
    mono.heads["main"] = A
    mono.open(A, "main")
    mono.offer()
    mono.report("TASK_RUNNING", Phase.RUNNING)
    return mono


def scope(mono: Mono, **wanted: object) -> None:
    def change(given: AppSecrets) -> AppSecrets:
        return app_secrets.with_variable(given, "KEY", Variable("hunter2"), wanted)

    mono.commands.change_secrets("hello", change)


def test_what_runs_stays_and_its_address_goes_on_though_the_branch_has_moved(mono: Mono) -> None:
    before = mono.preview()
    mono.clock.pass_seconds(5.0)
    for sha in (B, C):
        mono.push(sha, same=A)
        mono.fetch()  # the poller asks no more
    now = mono.preview()
    assert mono.found() == {A: State.RUNNING}
    assert mono.placements() == {A: ("main",)}
    assert now == dataclasses.replace(before, same=(B, C))  # nobody has used it
    assert mono.service.snapshot.find_serving("hello", B) is now


def test_a_push_that_changes_something_starts_it_as_ever(mono: Mono) -> None:
    mono.push(B, same=A)
    mono.push(C)
    assert mono.found() == {A: State.RUNNING, C: State.QUEUED}
    mono.offer("o2")
    mono.report("TASK_RUNNING", Phase.RUNNING, sha=C)
    assert mono.placements()[C] == ("main",)


def test_the_newer_commits_own_address_leads_to_what_runs(mono: Mono) -> None:
    mono.push(B, same=A)
    label = B[:7]
    assert mono.open(B, label, same=A).sha == A
    assert mono.placements() == {A: ("main", label)}
    mono.tick(7200.0)
    mono.fetch()  # it is the label of a commit, so no branch need lead to it
    assert mono.preview().unreferenced_since is None


def test_a_visit_that_comes_before_the_fetch_finds_it_too(mono: Mono) -> None:
    mono.heads["main"] = B
    assert mono.open(B, "main", same=A).same == (B,)
    assert mono.preview().refs == ("heads/main",)
    assert mono.found() == {A: State.RUNNING}


def test_what_has_stopped_starts_again_as_it_was(mono: Mono) -> None:
    mono.push(B, same=A)
    mono.stop()
    mono.update("TASK_KILLED")
    mono.open(B, "main", same=A)
    mono.offer("o2")
    assert mono.order.sha == A
    assert mono.found() == {A: State.PLACED}


def test_what_has_failed_serves_nothing_else(mono: Mono) -> None:
    mono.push(B, same=A)
    mono.update("TASK_FAILED")
    for number in range(9):
        mono.tick(100.0)
        mono.offer(f"o{number + 2}")
        if mono.preview().state is State.FAILED:
            break
        mono.update("TASK_FAILED")
    assert mono.preview().state is State.FAILED
    assert mono.open(B, "main", same=A).sha == B
    assert mono.service.snapshot.find_serving("hello", B) is mono.preview(B)


def test_a_commit_that_would_get_other_variables_is_built(mono: Mono) -> None:
    scope(mono, branches=("main",))
    mono.push(B, same=A)
    assert mono.found() == {A: State.RUNNING}
    mono.heads["other"] = C
    assert mono.open(C, "other", same=A).sha == C
    # Now an older branch is at the very commit that serves main: it has no right to its secret.
    mono.heads["old"] = A
    mono.open(A, "old")
    assert mono.preview().same == ()
    assert mono.preview().refs == ("heads/old",)
    mono.fetch()
    assert mono.found()[B] is State.QUEUED


def test_branches_with_the_same_variables_share_it_and_each_counts(mono: Mono) -> None:
    mono.push(B, same=A)
    mono.heads["old"] = A
    mono.open(A, "old")
    assert mono.preview().refs == ("heads/old", "heads/main")
    assert mono.preview().same == (B,)
    mono.fetch()
    assert mono.found() == {A: State.RUNNING}


def test_who_opens_the_older_commit_by_its_digits_changes_nothing(mono: Mono) -> None:
    scope(mono, branches=("main",))
    mono.push(B, same=A)
    mono.open(A, A[:7])
    assert mono.preview().refs == ("heads/main",)
    mono.fetch()
    assert mono.found() == {A: State.RUNNING}


def test_the_data_of_a_branch_stay_with_what_runs_and_go_to_no_other_branch(mono: Mono) -> None:
    database = Companion("db", image="postgres:17", volumes=("/var/lib/db",))
    run = RunSettings(companions=(dataclasses.replace(database, mem=8),))
    settings = CommitSettings(watch=("web",), run=run)
    mono.commands.change_app("hello", {"max_mem": 1024, "max_cpus": 1.0})
    mono.manifests.contents |= dict.fromkeys((A, B, C, D), settings)
    mono.heads["data"] = C
    mono.open(C, "data")
    mono.offer("o2", mem=4096.0)
    mono.report("TASK_RUNNING", Phase.RUNNING, sha=C)
    assert mono.preview(C).data == "data"
    mono.push(D, "data", same=C)
    assert mono.found() == {A: State.RUNNING, C: State.RUNNING}
    mono.heads["another"] = D
    # By now two branches are at one commit: as ever, it has the data of the first.
    mono.fetch()
    assert mono.preview(C).data == "data"
    mono.heads["data"] = B
    assert mono.open(D, "another", same=C).sha == D


def test_a_strangers_commit_is_never_served_by_another_preview_nor_serves_one(mono: Mono) -> None:
    mono.commands.set_forge_token("hello", "secret")
    mono.commands.change_app("hello", {"pulls": "all", "forks": "approve"})
    pull = Pull(7, B, "pull/7/head", "x", True, "eve", "t", 1.0, url="", repository="8")
    mono.step(events.PullsSeen("hello", [pull]))
    mono.commands.approve("hello", 7, B, by="ada")
    refs = {A: ("heads/main",), B: ("pull/7",)}
    heads = Heads({"main": A, "pr-7": B}, refs, same={"pr-7": A})
    mono.step(events.HeadsFetched("hello", heads))
    started = mono.commands.start("hello", B, "pr-7", refs=("pull/7",), same=A)
    assert (started.sha, started.stranger) == (B, True)
    assert mono.preview().same == ()
    mono.heads["main"] = C
    assert mono.open(C, "main", same=B).sha == C


def test_what_it_is_made_of_may_change_with_the_apps_folder(mono: Mono) -> None:
    mono.push(B, same=A)
    mono.commands.change_app("hello", {"folder": "services/api"})
    mono.manifests.contents[A] = CommitSettings(watch=("services/api",))
    mono.stop()
    mono.update("TASK_KILLED")
    mono.open(B, "main", same=A)
    assert mono.preview().same == ()


def test_nothing_is_built_ahead_of_what_is_there(mono: Mono) -> None:
    mono.commands.change_app("hello", {"warm": "branches"})
    mono.fetch()
    mono.stop()
    mono.update("TASK_KILLED")
    mono.push(B, same=A)
    assert mono.found() == {A: State.STOPPED}
    assert mono.preview().same == (B,)
    mono.push(C)
    assert mono.found()[C] is State.QUEUED


def test_only_so_many_commits_are_kept(mono: Mono) -> None:
    for number in range(30):
        mono.push(f"{number:040x}", same=A)
    assert len(mono.preview().same) == 20
    assert mono.preview().same[-1] == f"{29:040x}"
    assert preview_unit("hello", f"{29:040x}") not in mono.service.snapshot.previews
