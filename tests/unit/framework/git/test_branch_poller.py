import itertools
import queue
import threading
from collections.abc import Mapping

import pytest

from framework import events
from framework.errors import RepositoryUnreachable
from framework.git.branch_poller import SELDOM_SECONDS, BranchPoller, PollSchedule, periods
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE, State
from tests.fakes.refs import FakeRefs

A = "a" * 40
ONE = AppRecord("one", "/srv/one")
TWO = AppRecord("two", "/srv/two")
HEADS = {"main": A}


class SomeRefs(FakeRefs):
    """Repositories of which one is unreachable; it fails once `over` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()
        self.over = threading.Event()
        self.over.set()

    def heads(self, app: AppRecord) -> Mapping[str, str | None]:
        if app is ONE:
            self.called.set()
            self.over.wait()
            raise RepositoryUnreachable("one", "/srv/one", "no such file")
        return HEADS

    def forget(self, app: str) -> None:
        super().forget(app)
        if app == "broken":
            raise OSError("busy")


def following(refs: SomeRefs, submitted: list[events.Event]) -> BranchPoller:
    return BranchPoller(
        refs, submitted.append, lambda: Snapshot({}, {}), interval=1.0, failed=print
    )


def snapshot(*previews: PreviewRecord) -> Snapshot:
    return Snapshot({"one": ONE, "two": TWO}, {(p.app, p.sha): p for p in previews})


@pytest.mark.parametrize("state", State)
def test_an_app_is_followed_often_while_a_preview_is_active(state: State) -> None:
    found = periods(snapshot(PreviewRecord("one", A, state, ("main",))), 10.0)
    assert found == {"one": 10.0 if state in ACTIVE else SELDOM_SECONDS}


def test_an_app_with_only_old_commits_is_not_followed() -> None:
    old = PreviewRecord("one", A, State.STOPPED, (A[:7],))
    assert periods(snapshot(old), 10.0) == {}
    assert periods(snapshot(PreviewRecord("one", A, State.STOPPED)), 10.0) == {}
    assert periods(snapshot(PreviewRecord("gone", A, State.RUNNING)), 10.0) == {}


@pytest.mark.parametrize(
    ("period", "ended", "failed", "next_period", "due"),
    [
        pytest.param(10.0, 1.0, False, 10.0, 10.0, id="after its period"),
        pytest.param(300.0, 1.0, False, 10.0, 10.0, id="sooner once it is active"),
        pytest.param(10.0, 99.0, False, 10.0, 99.0, id="not while it is under way"),
        pytest.param(10.0, 600.0, True, 10.0, 620.0, id="after a pause where it hung"),
    ],
)
def test_the_apps_take_turns(
    period: float, ended: float, failed: bool, next_period: float, due: float
) -> None:
    table = PollSchedule()
    assert table.begin({"one": period, "two": 1e6}, 0.0) == ["one", "two"]
    assert table.begin({"one": period, "two": 1e6}, ended - 0.1) == []
    table.end("one", ended, failed=failed)
    if due > ended:
        assert table.begin({"one": next_period, "two": 1e6}, due - 0.1) == []
    assert table.begin({"one": next_period, "two": 1e6}, due) == ["one"]


def test_an_unreadable_repository_is_tried_with_growing_pauses() -> None:
    table = PollSchedule()
    turns = []
    for second in range(2000):
        if table.begin({"one": 10.0}, float(second)):
            turns.append(second)
            table.end("one", float(second), failed=True)
    assert turns[:5] == [0, 20, 60, 140, 300]
    assert {later - sooner for sooner, later in itertools.pairwise(turns[4:])} == {300}
    table.begin({"one": 10.0}, 2400.0)
    table.end("one", 2400.0, failed=False)
    assert table.begin({"one": 10.0}, 2410.0) == ["one"]


def test_an_app_that_nobody_follows_is_forgotten() -> None:
    table = PollSchedule()
    table.begin({"one": 10.0}, 0.0)
    table.end("one", 0.5, failed=True)
    table.begin({}, 1.0)
    assert table.begin({"one": 10.0}, 2.0) == ["one"]


def test_heads_are_submitted_and_a_failure_is_reported() -> None:
    submitted: list[events.Event] = []
    worker = following(SomeRefs(), submitted)
    assert not worker.fetch(ONE)
    assert worker.fetch(TWO)
    assert submitted == [events.HeadsFetched("two", HEADS)]


def test_a_repository_that_hangs_delays_no_other() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    refs = SomeRefs()
    refs.over.clear()
    both = snapshot(*(PreviewRecord(app, A, State.RUNNING, ("main",)) for app in ("one", "two")))
    worker = BranchPoller(refs, submitted.put, lambda: both, interval=0.01, failed=print)
    worker.start()
    try:
        assert refs.called.wait(60)
        for _ in range(3):
            assert submitted.get(timeout=60) == events.HeadsFetched("two", HEADS)
    finally:
        worker.stop()
        refs.over.set()


def test_following_goes_on_after_a_defect() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    chances = iter([False])

    def look() -> Snapshot:
        if not next(chances, True):
            raise ValueError("a defect")
        return snapshot(PreviewRecord("two", A, State.RUNNING, ("main",)))

    worker = BranchPoller(SomeRefs(), submitted.put, look, interval=0.01, failed=print)
    worker.start()
    try:
        assert submitted.get(timeout=60) == events.HeadsFetched("two", HEADS)
    finally:
        worker.stop()


def test_a_mirror_that_cannot_be_removed_does_not_keep_its_app() -> None:
    submitted: list[events.Event] = []
    refs = SomeRefs()
    worker = following(refs, submitted)
    worker.remove("one")
    worker.remove("broken")
    assert refs.forgotten == ["one", "broken"]
    assert submitted == [events.MirrorRemoved("one"), events.MirrorRemoved("broken")]
