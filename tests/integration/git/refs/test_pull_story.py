"""The ways of a fork's commit and of a pushed branch through a framework: look, mirror, start."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from framework import events
from framework.forges.pull_poller import PullPoller
from framework.forges.repository_check import RepositoryCheck
from framework.git.branch_poller import BranchPoller
from framework.git.manifest_reader import ManifestReader
from framework.git.mirrors import Mirrors
from framework.matching.limits import Limits
from framework.polling.turns import Read
from framework.pulls.errors import NotApproved, OtherRepository
from framework.pulls.gate import PullHead
from framework.units.lifecycle import WITH_TASK
from prevs.messages import BuildOrder
from prevs.states import Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import APP, Driven
from tests.fakes.forge import FakeForge
from tests.fakes.offers import offer
from tests.integration.git.refs.sources import Clock, Source, why_unknown

pytestmark = pytest.mark.integration


class Framework(Driven):
    """A framework over a real repository, whose threads are called by the test."""

    def __init__(self, folder: Path, source: Source) -> None:
        super().__init__()
        self.source = source
        self.forge = FakeForge()
        self.forge.writers = {"ada"}
        self.git_clock = Clock()
        changes = {"repository": str(source.folder), "pulls": "all"}
        self.call(lambda: self.service.commands.add_app(APP))
        self.app = self.call(lambda: self.service.commands.change_app("hello", changes))
        self.mirrors = Mirrors(folder / "mirrors", self.git_clock, pulls=self._list_heads)
        self.pulls = PullPoller(lambda _: self.forge, self.step, lambda: self.service.snapshot)
        self.branches = BranchPoller(
            self.mirrors,
            self.step,
            lambda: self.service.snapshot,
            interval=1.0,
            failed=print,
            confirm=RepositoryCheck(
                lambda _: self.forge, self.step, lambda: self.service.snapshot
            ).confirm,
        )

    def warm(self, warm: str) -> None:
        """Have new heads built ahead; their settings and subjects are really read."""
        commands = self.service.commands
        self.app = self.call(lambda: commands.change_app("hello", {"warm": warm}))
        self.manifests.silent = True

    def fetch(self) -> None:
        """Fetch the repository, and read what the service asks for."""
        assert self.branches.fetch(self.app) is not Read.FAILED
        reader = ManifestReader(self.mirrors, self.step)
        while self.manifests.requested:
            reader.read(*self.manifests.requested.pop())
        self.git_clock.now += 60.0

    def _list_heads(self, app: str) -> Sequence[PullHead]:
        return self.service.snapshot.list_pull_heads(app)

    def push(self, number: int, subject: str) -> str:
        """Push to a fork with a pull request, and look at the forge."""
        self.source.git("checkout", "--quiet", "--detach", "main")
        sha = self.source.commit(subject)
        self.source.git("update-ref", f"refs/pull/{number}/head", sha)
        self.source.git("checkout", "--quiet", "main")
        self.forge.push(number, sha)
        self.look()
        return sha

    def look(self) -> None:
        """Look at the forge, and fetch the repository."""
        assert self.pulls.look("hello")
        assert self.branches.fetch(self.app) is not Read.FAILED
        self.git_clock.now += 60.0

    def approve(self, number: int, sha: str) -> None:
        self.forge.comment(number, "ada", f"/prevs approve {sha}")
        self.look()
        assert self.branches.fetch(self.app) is not Read.FAILED

    def open(self, label: str) -> str:
        """Open an address; return the commit that starts."""
        resolved = self.mirrors.resolve(self.app, label)
        self.call(
            lambda: self.service.commands.start("hello", resolved.sha, label, refs=resolved.refs)
        )
        return resolved.sha

    def launch(self, number: int, sha: str) -> BuildOrder:
        """Let the queue start, and run; return the last order."""
        self.step(events.Offered([offer(f"o{number}")]))
        self.report("TASK_RUNNING", Phase.RUNNING, sha=sha)
        return self.cluster.tasks[-1].order


def test_the_way_of_a_fork(tmp_path: Path, source: Source) -> None:
    source.commit("Begin")
    framework = Framework(tmp_path, source)
    first = framework.push(7, "Greet")
    for label in ("pr-7", first, first[:8]):
        with pytest.raises(NotApproved):
            framework.open(label)
    framework.approve(7, first)
    assert framework.open("pr-7") == first
    order = framework.launch(1, first)
    assert (order.sha, order.trusted, order.ref) == (first, False, "pull/7/head")
    assert framework.placements() == {first: ("pr-7",)}

    # The next push waits; what was approved goes on to serve.
    second = framework.push(7, "Steal")
    assert preview_unit("hello", second) not in framework.service.snapshot.previews
    assert framework.placements() == {first: ("pr-7",)}
    with pytest.raises(NotApproved):
        framework.open("pr-7")
    framework.approve(7, second)
    assert framework.preview(second).state is State.QUEUED
    framework.launch(2, second)
    assert framework.placements() == {first: (), second: ("pr-7",)}

    # Nobody has told of its end; the next look finds it.
    framework.forge.change(7, is_open=False)
    framework.look()
    assert "leads to no commit" in why_unknown(framework.mirrors, framework.app, "pr-7")
    framework.clock.pass_seconds(Limits().unreferenced)
    framework.look()
    states = [framework.preview(sha).state for sha in (first, second)]
    assert set(states) <= {State.DRAINING, State.STOPPED}
    assert not set(states) & (WITH_TASK - {State.DRAINING})


def test_the_way_of_a_pushed_branch_that_is_built_ahead(tmp_path: Path, source: Source) -> None:
    source.commit("Begin")
    framework = Framework(tmp_path, source)
    framework.warm("branches")
    framework.fetch()
    assert framework.service.snapshot.previews == {}

    source.git("checkout", "--quiet", "-b", "cart")
    first = source.commit("Add a cart")
    framework.fetch()
    built = framework.preview(first)
    assert (built.ahead, built.labels, built.refs) == (True, ("cart",), ("heads/cart",))
    framework.step(events.Offered([offer()]))
    assert framework.cluster.tasks[-1].order.sha == first

    # A force push ends what nobody waits for, and a mark is for the commit that has it.
    source.git("reset", "--quiet", "--hard", "main")
    second = source.commit("Add another cart [skip preview]")
    framework.fetch()
    assert framework.preview(first).reason_kind == "superseded"
    assert framework.preview(second).reason_kind == "skipped"
    third = source.commit("Add a till")
    framework.fetch()
    assert framework.preview(third).state is State.QUEUED

    source.git("checkout", "--quiet", "main")
    source.git("branch", "--quiet", "-D", "cart")
    framework.fetch()
    assert framework.preview(third).state is State.STOPPED
    framework.fetch()
    assert set(framework.service.snapshot.previews) <= {
        preview_unit("hello", first)
    }  # it still drains


def test_the_way_of_a_fork_that_is_built_ahead(tmp_path: Path, source: Source) -> None:
    source.commit("Begin")
    framework = Framework(tmp_path, source)
    framework.warm("pulls")
    framework.look()
    first = framework.push(7, "Greet")
    assert framework.service.snapshot.previews == {}
    framework.approve(7, first)
    framework.fetch()
    order = framework.launch(1, first)
    assert (order.sha, order.trusted, framework.preview(first).ahead) == (first, False, True)
    framework.push(7, "Steal")
    assert framework.preview(first).reason_kind == "superseded"


def test_the_way_of_a_repository_whose_name_a_stranger_has_taken(
    tmp_path: Path, source: Source
) -> None:
    first = source.commit("Begin")
    framework = Framework(tmp_path, source)
    framework.warm("branches")
    framework.look()
    framework.open("main")
    framework.fetch()
    framework.launch(1, first)
    framework.forge.rename("99")
    stolen = source.commit("Steal")
    for _ in range(2):
        assert framework.branches.fetch(framework.app) is Read.FAILED
        framework.git_clock.now += 60.0
    for label in ("main", stolen):
        with pytest.raises(OtherRepository, match="another repository"):
            framework.open(label)
    assert set(framework.service.snapshot.previews) == {preview_unit("hello", first)}
    assert framework.placements() == {first: ("main",)}, "what runs is ours"
    assert framework.pulls.look("hello")
    framework.forge.rename("7")
    assert framework.pulls.look("hello")
    source.git("reset", "--quiet", "--hard", first)
    second = source.commit("Greet")
    framework.fetch()
    assert framework.preview(second).state is State.QUEUED
