import dataclasses
import itertools
import queue
import threading

import pytest

from framework import events
from framework.apps import effective_settings
from framework.errors import RepositoryUnreachable
from framework.git.branch_poller import (
    SELDOM_SECONDS,
    WARM_SECONDS,
    BranchPoller,
    list_news,
    periods,
)
from framework.polling.turns import Read
from framework.ports import Heads
from framework.state.snapshot import Snapshot
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import Member, StackRecord
from prevs.states import ACTIVE, State
from prevs.units import preview_unit
from tests.fakes.refs import FakeRefs

A = "a" * 40
ONE = AppRecord("one", "/srv/one")
TWO = AppRecord("two", "/srv/two")
HEADS = Heads({"main": A})


class SomeRefs(FakeRefs):
    """Repositories of which one is unreachable; it fails once `over` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()
        self.over = threading.Event()
        self.over.set()

    def heads(self, app: AppRecord) -> Heads:
        if app is ONE:
            self.called.set()
            self.over.wait()
            raise RepositoryUnreachable("one", "/srv/one", "no such file")
        return HEADS._replace(refs=super().heads(app).refs)

    def forget(self, app: str) -> None:
        super().forget(app)
        if app == "broken":
            raise OSError("busy")


def following(refs: SomeRefs, submitted: list[events.Event]) -> BranchPoller:
    return BranchPoller(
        refs, submitted.append, lambda: Snapshot({}, {}), interval=1.0, failed=print
    )


def snapshot(*previews: PreviewRecord) -> Snapshot:
    return Snapshot({"one": ONE, "two": TWO}, {preview_unit(p.app, p.sha): p for p in previews})


@pytest.mark.parametrize("state", State)
def test_an_app_is_followed_often_while_a_preview_is_active(state: State) -> None:
    found = periods(snapshot(PreviewRecord("one", A, state, labels=("main",))), 10.0)
    assert found == {"one": 10.0 if state in ACTIVE else SELDOM_SECONDS}


def test_an_app_with_only_old_commits_is_not_followed() -> None:
    old = PreviewRecord("one", A, State.STOPPED, labels=(A[:7],))
    assert periods(snapshot(old), 10.0) == {}
    assert periods(snapshot(PreviewRecord("one", A, State.STOPPED)), 10.0) == {}
    assert periods(snapshot(PreviewRecord("gone", A, State.RUNNING)), 10.0) == {}


@pytest.mark.parametrize(
    ("warm", "seconds"), [("branches", WARM_SECONDS), ("pulls", SELDOM_SECONDS)]
)
def test_an_app_whose_heads_are_built_ahead_is_followed_without_a_preview(
    warm: str, seconds: float
) -> None:
    apps = {"one": ONE, "two": dataclasses.replace(TWO, warm=warm)}
    assert periods(Snapshot(apps, {}), 10.0) == {"two": seconds}
    stopped = PreviewRecord("two", A, State.STOPPED, labels=("main",))
    assert periods(Snapshot(apps, {preview_unit("two", A): stopped}), 10.0) == {"two": seconds}
    runs = dataclasses.replace(stopped, state=State.RUNNING)
    assert periods(Snapshot(apps, {preview_unit("two", A): runs}), 10.0) == {"two": 10.0}


def test_an_app_with_jobs_or_schedules_of_its_file_is_followed_without_a_preview() -> None:
    job = JobRecord("one", "a" * 16, A, "main", JobSettings(("true",)))
    of_file = ScheduleRecord("two", "report", "main", "report", every=60, from_file=True)
    by_hand = dataclasses.replace(of_file, app="one", from_file=False)
    with_job = snapshot()._replace(jobs={("one", job.id): job})
    assert periods(with_job, 10.0) == {"one": SELDOM_SECONDS}
    both = {("one", "report"): by_hand, ("two", "report"): of_file}
    assert periods(snapshot()._replace(schedules=both), 10.0) == {"two": SELDOM_SECONDS}
    gone = dataclasses.replace(of_file, app="gone")
    assert periods(snapshot()._replace(schedules={("gone", "report"): gone}), 10.0) == {}


def in_stack(*apps: str) -> dict[str, StackRecord]:
    return {"shop": StackRecord("shop", apps[0], {app: Member(app, "main") for app in apps})}


def test_the_members_of_stacks_are_followed_without_a_preview() -> None:
    found = periods(snapshot()._replace(stacks=in_stack("two", "gone")), 10.0)
    assert found == {"two": SELDOM_SECONDS}
    runs = snapshot(PreviewRecord("two", A, State.RUNNING, labels=("main",)))
    both = runs._replace(stacks=in_stack("one", "two"))
    assert periods(both, 10.0) == {"one": SELDOM_SECONDS, "two": 10.0}


def test_heads_are_submitted_and_a_failure_is_reported() -> None:
    submitted: list[events.Event] = []
    worker = following(SomeRefs(), submitted)
    assert worker.fetch(ONE) is Read.FAILED
    assert worker.fetch(TWO) is Read.SAME
    assert submitted == [events.HeadsFetched("two", HEADS)]


def test_a_repository_that_hangs_delays_no_other() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    refs = SomeRefs()
    refs.over.clear()
    both = snapshot(
        *(PreviewRecord(app, A, State.RUNNING, labels=("main",)) for app in ("one", "two"))
    )
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
        return snapshot(PreviewRecord("two", A, State.RUNNING, labels=("main",)))

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


def test_an_app_is_read_when_nudged_though_nobody_follows_it() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    worker = BranchPoller(SomeRefs(), submitted.put, snapshot, interval=3600.0, failed=print)
    worker.start()
    try:
        worker.nudge("two")
        assert submitted.get(timeout=60) == events.HeadsFetched("two", HEADS)
        polling = worker.polling("two")
        assert polling.every is None
        assert polling.hooked is not None
        worker.remove("two")
        assert worker.polling("two").hooked is None
    finally:
        worker.stop()


def test_an_app_is_read_at_once_when_its_heads_are_to_be_built_ahead() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    runs = PreviewRecord("two", A, State.RUNNING, labels=("main",))
    known = [snapshot(runs)]
    worker = BranchPoller(SomeRefs(), submitted.put, lambda: known[-1], interval=3600, failed=print)
    worker.start()
    try:
        for warm in ("off", "pulls", "branches"):
            two = dataclasses.replace(TWO, warm=warm)
            known.append(known[0]._replace(apps={"two": two}))
            assert submitted.get(timeout=60) == events.HeadsFetched("two", HEADS)
        assert worker.polling("two").hooked is None
    finally:
        worker.stop()


def test_an_app_that_was_just_added_is_read_once() -> None:
    submitted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
    known = [Snapshot({"one": ONE}, {})]
    looked = threading.Event()

    def look() -> Snapshot:
        looked.set()
        return known[-1]

    worker = BranchPoller(SomeRefs(), submitted.put, look, interval=3600, failed=print)
    worker.start()
    try:
        assert looked.wait(60)
        known.append(snapshot())
        assert submitted.get(timeout=60) == events.HeadsFetched("two", HEADS)
        assert submitted.empty()
    finally:
        worker.stop()


def test_a_new_member_of_a_stack_is_news() -> None:
    known = snapshot(PreviewRecord("two", A, State.RUNNING, labels=("main",)))
    one, both = known._replace(stacks=in_stack("two", "gone")), in_stack("two", "one")
    steps = [known, one, known._replace(stacks=both), known]
    news = [
        {app for app, _ in {*list_news(after)} - {*list_news(before)}}
        for before, after in itertools.pairwise(steps)
    ]
    assert news == [{"two"}, {"one"}, set()]


def test_a_read_finds_out_whether_branches_have_changed() -> None:
    refs = SomeRefs()
    worker = following(refs, [])
    reads = [worker.fetch(TWO)]
    refs.put("two", "main", A)
    reads += [worker.fetch(TWO), worker.fetch(TWO)]
    assert reads == [Read.SAME, Read.CHANGED, Read.SAME]


def test_git_is_asked_once_for_a_new_commit_whether_what_runs_serves_it_too() -> None:
    """Both labels of what runs lead to the new commit."""
    b = "b" * 40
    key = effective_settings.settings_key(TWO)
    runs = PreviewRecord(
        *("two", A, State.RUNNING),
        labels=("main", "pr-7"),
        refs=("heads/main",),
        settings=CommitSettings(watch=("web",)),
        settings_for=key,
    )
    refs, submitted = FakeRefs(), list[events.Event]()
    for label in ("main", "pr-7"):
        refs.put("two", label, b)
    refs.leads["two", "pr-7"] = refs.leads["two", "main"]
    now = snapshot(runs)._replace(watched={"two": [runs]})
    worker = BranchPoller(refs, submitted.append, lambda: now, interval=1.0, failed=print)
    worker.fetch(TWO)
    refs.same = {(A, b)}
    worker.fetch(TWO)
    assert refs.compared == [(A, b), (A, b)]
    assert [one.heads.same for one in submitted if isinstance(one, events.HeadsFetched)] == [
        {},
        {"main": A, "pr-7": A},
    ]
    knows = dataclasses.replace(runs, same=(b,))
    now = snapshot(knows)._replace(watched={"two": [knows]})
    worker.fetch(TWO)
    now = snapshot(runs, PreviewRecord("two", b, State.QUEUED))._replace(watched={"two": [runs]})
    worker.fetch(TWO)
    assert len(refs.compared) == 2
