"""Another repository takes an app's name at its forge, over fakes: nothing of it is built."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import events
from framework.forges.pull_poller import KEPT_SECONDS, PullPoller
from framework.forges.repository_check import RepositoryCheck
from framework.git.branch_poller import BranchPoller
from framework.polling.turns import Read
from framework.pulls.errors import OtherRepository
from framework.service.commands import Commands
from framework.service.service_client import ServiceClient
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.clock import FakeClock
from tests.fakes.driven import APP, Driven
from tests.fakes.forge import FakeForge
from tests.fakes.refs import FakeRefs
from tests.fakes.store import FakeZnodes

T = TypeVar("T")

OURS, THEIRS = "7", "99"
COMMITS = {
    OURS: [f"a{digit}" * 20 for digit in "123"],
    THEIRS: [f"b{digit}" * 20 for digit in "123"],
}
APP_7 = dataclasses.replace(APP, pulls="all", warm="branches")


class DrivenPreviews(ServiceClient):
    """The service, on this thread."""

    def __init__(self, driven: Driven, confirm: Callable[[AppRecord], object]) -> None:
        super().__init__(driven.service, confirm=confirm)
        self._driven = driven

    def command(self, command: Callable[[Commands], T]) -> T:
        return self._driven.call(lambda: command(self._driven.service.commands))


class Scene:
    """An app whose repository is looked at, fetched and visited when a test says so."""

    def __init__(self) -> None:
        self.znodes, self.clock = FakeZnodes(), FakeClock()
        self.forge, self.refs = FakeForge(), FakeRefs()
        self.heads = {OURS: COMMITS[OURS][0], THEIRS: COMMITS[THEIRS][0]}
        self.built: list[str] = []
        self.lead()
        self.previews.command(lambda commands: commands.add_app(APP_7))
        self.read()

    @property
    def snapshot(self) -> Snapshot:
        return self.driven.service.snapshot

    @property
    def problem(self) -> str:
        return self.snapshot.find_look("hello").problem

    def lead(self) -> None:
        """Begin to lead, by what is stored."""
        self.driven = Driven(self.znodes, self.clock)
        check = RepositoryCheck(lambda _: self.forge, self.driven.step, lambda: self.snapshot)
        self.previews = DrivenPreviews(self.driven, check.confirm)
        self.branches = BranchPoller(
            self.refs,
            self.driven.step,
            lambda: self.snapshot,
            interval=1.0,
            failed=lambda _: None,
            confirm=check.confirm,
        )
        self.poller = PullPoller(
            lambda _: self.forge,
            self.driven.step,
            lambda: self.snapshot,
            fetch=self.branches.fetch,
            clock=self.clock.read,
        )

    def take(self, repository: str) -> None:
        """Let a repository have the name; its pull requests are its own."""
        if self.forge.repository == repository:
            return
        self.forge.rename(repository)
        self.read()

    def push(self, number: int) -> None:
        """Push to the main branch of the repository that has the name now."""
        self.heads[self.forge.repository] = COMMITS[self.forge.repository][number]
        self.read()

    def open_pull(self, number: int) -> None:
        """Open a pull request of that repository's own, from a branch."""
        sha = COMMITS[self.forge.repository][number]
        self.forge.push(number, sha, is_fork=False)
        self.refs.put("hello", f"cart-{number}", sha)

    def read(self) -> None:
        """Let git have what the repository of that name has."""
        self.refs.leads.clear()
        self.refs.put("hello", "main", self.heads[self.forge.repository])

    def fetch(self) -> Read:
        return self.branches.fetch(self.snapshot.app("hello"))

    def visit(self, label: str = "main") -> None:
        resolved = self.refs.resolve(APP_7, label)
        self.previews.start_resolved("hello", label, resolved)

    def offer(self) -> None:
        self.driven.offer(f"o{len(self.built)}")
        self.built += [task.order.sha for task in self.driven.cluster.tasks]
        self.driven.cluster.tasks.clear()

    def set_repository(self, address: str = APP_7.repository) -> None:
        changes = {"repository": address}
        self.previews.command(lambda commands: commands.change_app("hello", changes))


def test_a_stranger_who_takes_the_name_builds_nothing_until_somebody_says_he_is_meant() -> None:
    scene = Scene()
    scene.forge.push(7, COMMITS[OURS][1], is_fork=False)
    assert scene.poller.look("hello")
    scene.visit()
    scene.take(THEIRS)
    # Before any look: git has read his code, and a visitor or a push would start it.
    with pytest.raises(OtherRepository, match="prevs app set hello --repository"):
        scene.visit()
    assert "another repository" in scene.problem
    scene.lead()
    assert "another repository" in scene.problem
    scene.open_pull(1)
    for _ in range(2):
        assert scene.poller.look("hello")
        assert scene.fetch() is Read.FAILED
        scene.offer()
    assert set(scene.snapshot.pulls["hello"]) == {7}
    assert scene.snapshot.pulls["hello"][7].closed is None
    waited = scene.driven.preview(COMMITS[OURS][0])
    assert (waited.state, waited.reason_kind) == (State.STOPPED, "other-repository")
    assert "same address again" in waited.reason
    assert scene.built == []

    scene.set_repository()
    assert scene.problem == ""
    assert scene.snapshot.pulls.get("hello", {}) == {}
    scene.poller.look("hello")
    scene.visit()
    scene.offer()
    assert scene.built == [scene.heads[THEIRS]]
    assert set(scene.snapshot.pulls["hello"]) == {1}


def test_the_repository_that_comes_back_is_built_again_by_itself() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.take(THEIRS)
    scene.clock.pass_seconds(KEPT_SECONDS)
    assert scene.poller.look("hello")
    assert scene.problem
    scene.take(OURS)
    assert scene.poller.look("hello")
    assert scene.problem == ""
    scene.visit()


def test_the_repository_that_has_come_back_is_not_taken_for_the_other_one_later() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.take(THEIRS)
    scene.lead()
    scene.poller.look("hello")
    assert scene.problem
    scene.take(OURS)
    for _ in range(3):
        scene.poller.look("hello")
        assert scene.problem == ""


def test_a_new_address_is_another_repository() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.take(THEIRS)
    scene.clock.pass_seconds(KEPT_SECONDS)
    scene.poller.look("hello")
    scene.set_repository("https://git.example.org/moved/hello")
    assert scene.problem == ""
    scene.take(OURS)
    # What was seen at the former address says nothing about the new one.
    scene.driven.step(events.RepositorySeen("hello", APP_7.repository, [THEIRS]))
    scene.visit()
    assert scene.snapshot.repositories["hello"].found == THEIRS
    scene.poller.look("hello")
    assert scene.snapshot.repositories["hello"].found == ""


def test_the_forge_is_asked_once_for_a_list_that_names_no_repository() -> None:
    scene = Scene()
    scene.poller.look("hello")
    assert scene.forge.calls == ["open_pulls", "find_repository"]
    scene.forge.calls.clear()
    scene.poller.look("hello")
    assert "find_repository" not in scene.forge.calls
    scene.clock.pass_seconds(KEPT_SECONDS)
    scene.poller.look("hello")
    assert scene.forge.calls.count("find_repository") == 1
    scene.forge.push(7, COMMITS[OURS][1], is_fork=False)
    scene.forge.calls.clear()
    scene.poller.look("hello")
    scene.poller.look("hello")
    # The second one is for the heads of git, which were never read before.
    assert scene.forge.calls == ["open_pulls", "find_repository", "open_pulls"]


def test_the_empty_list_of_a_stranger_closes_nothing_however_lately_the_forge_was_asked() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.open_pull(1)
    scene.poller.look("hello")
    scene.take(THEIRS)
    scene.poller.look("hello")
    assert scene.problem
    assert [one.closed for one in scene.snapshot.pulls["hello"].values()] == [None]
    scene.poller.look("hello")
    assert scene.problem, "what the forge said before does not let it go on"


def test_while_the_forge_is_away_branches_are_built_as_ever() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.forge.away = True
    scene.push(1)
    scene.visit()
    assert not scene.poller.look("hello")
    assert scene.fetch() is not Read.FAILED


def test_a_stranger_whose_pull_requests_cannot_be_listed_builds_nothing() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.take(THEIRS)
    scene.forge.has_pulls = False
    assert not scene.poller.look("hello")
    assert "cannot be listed" in scene.problem
    with pytest.raises(OtherRepository):
        scene.visit()
    assert scene.fetch() is Read.FAILED
    assert "another repository" in scene.problem


def test_the_records_of_an_app_that_is_gone_are_gone() -> None:
    scene = Scene()
    scene.poller.look("hello")
    scene.previews.command(lambda commands: commands.remove_app("hello"))
    scene.driven.step(events.MirrorRemoved("hello"))
    assert scene.snapshot.repositories == {}
    assert ("repositories", "hello") not in scene.znodes.records


STEPS = st.one_of(
    st.tuples(st.just("take"), st.sampled_from([OURS, THEIRS])),
    st.tuples(st.sampled_from(["push", "pull"]), st.sampled_from([0, 1, 2])),
    st.tuples(st.sampled_from(["look", "fetch", "visit", "offer", "lead"]), st.just(0)),
)


@given(st.lists(STEPS, max_size=30))
def test_whatever_happens_nothing_of_a_stranger_is_built(steps: list[tuple[str, object]]) -> None:
    scene = Scene()
    scene.poller.look("hello")
    for what, given_ in steps:
        with contextlib.suppress(OtherRepository):
            match what, given_:
                case "take", str(repository):
                    scene.take(repository)
                case "push", int(number):
                    scene.push(number)
                case "pull", int(number):
                    scene.open_pull(number)
                case "look", _:
                    scene.poller.look("hello")
                case "fetch", _:
                    scene.fetch()
                case "visit", _:
                    scene.visit()
                case "offer", _:
                    scene.offer()
                case "lead", _:
                    scene.lead()
    scene.offer()
    assert not set(scene.built) & set(COMMITS[THEIRS])
    # And ours is built as soon as it has its name again.
    scene.take(OURS)
    scene.poller.look("hello")
    scene.visit()
    assert scene.driven.preview(scene.heads[OURS]).state is not State.STOPPED
