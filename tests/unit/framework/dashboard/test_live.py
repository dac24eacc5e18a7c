import asyncio
import itertools
from types import SimpleNamespace
from typing import cast

import pytest

from framework.access import Identity, Scope
from framework.dashboard.live import KEEPALIVE_S, LiveUpdates, Look, PageVersions
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.schedules.file_schedules import FileTrouble
from framework.service.gates.gate_service import Gates
from framework.state.snapshot import Behind
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord
from prevs.states import State
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews
from tests.fakes.schedules import FakeSchedules
from tests.unit.framework.dashboard.conftest import SHA

CHANGE = b"event: change\ndata: {}\n\n"


class Page:
    """A page that reads the next of `values` at each look; after the last it is signed out.

    Each pause takes `pause`.
    """

    def __init__(self, *values: object, pause: float = 0.5) -> None:
        self.values = list(values)
        self.pause = pause
        self.now = 0.0

    async def look(self) -> object:
        return self.values.pop(0)

    async def wait(self, seconds: float) -> None:
        self.now += self.pause

    def follow(self) -> list[bytes]:
        live = LiveUpdates(cast(PageContext, None), pause=self.wait, clock=lambda: self.now)

        async def read() -> list[bytes]:
            events = live.follow(self.look, lambda: bool(self.values))
            return [event async for event in events]

        return asyncio.run(read())


def test_a_page_gets_an_event_for_each_change_and_nothing_else() -> None:
    events = Page(["a"], ["a"], ["b"], ["b"], ["a"]).follow()
    assert events[1:-1] == [CHANGE, CHANGE]
    assert events[-1] == b"event: signed-out\ndata: {}\n\n"


def test_a_page_gets_keepalives() -> None:
    events = Page(1, 1, 1, 2, pause=KEEPALIVE_S).follow()
    assert events[1:-1] == [b": still here\n\n", b": still here\n\n", CHANGE]


def test_a_page_learns_of_what_is_no_event_and_happened_while_it_was_sent() -> None:
    previews = FakePreviews()
    previews.add_app(AppRecord("hello", "/hello.git"))
    jobs = FakeJobs(previews)
    job = JobRecord("hello", "a", SHA, "main", JobSettings(("work",)))
    jobs.command(lambda _: jobs.records.jobs.add_all([job], {}))
    behind: dict[str, Behind] = {}
    gates = SimpleNamespace(snapshot=SimpleNamespace(behind=behind))
    versions = PageVersions(previews, jobs, cast(Gates, gates))

    def find() -> str:
        return versions.find(lambda app: app == "hello")

    made = find()
    assert find() == made
    jobs.launch("a")
    launched = find()
    assert launched != made
    assert find() == launched
    behind["cart"] = Behind(1, 2)
    assert find() != launched
    made = find()
    previews.put("hello", SHA, State.QUEUED)
    queued = find()
    assert queued != made
    previews.queue_places["hello", SHA] = 1
    placed = find()
    assert placed != queued
    assert find() == placed
    previews.change("hello", SHA, state=State.BUILDING, phase="cloning")
    building = find()
    previews.change("hello", SHA, phase="building")
    assert find() != building


def see(look: Look) -> object:
    async def whole() -> object:
        return await look()

    return asyncio.run(whole())


@pytest.mark.parametrize("topic", ["overview", "queue", "events"])
def test_a_viewer_of_one_app_gets_no_event_when_others_change(topic: str) -> None:
    previews = FakePreviews()
    for app in ("shop", "zebra"):
        previews.add_app(AppRecord(app, f"/{app}.git"))
    context = SimpleNamespace(previews=previews, ready=lambda: None)
    seconds = itertools.count()
    live = LiveUpdates(cast(PageContext, context), clock=lambda: float(next(seconds)))
    own, all_of_them = (
        live.find_look(topic, Viewer(Identity("ci", Scope.READ, app), "")) for app in ("shop", "")
    )
    assert own
    assert all_of_them
    before, all_before = see(own), see(all_of_them)
    previews.put("zebra", SHA, State.QUEUED)
    assert see(own) == before
    assert see(all_of_them) != all_before
    previews.put("shop", SHA, State.QUEUED)
    assert see(own) != before


def test_pages_of_jobs_follow_those_that_their_viewer_sees() -> None:
    previews = FakePreviews()
    for app in ("shop", "zebra"):
        previews.add_app(AppRecord(app, f"/{app}.git"))
    jobs = FakeJobs(previews)
    schedules = FakeSchedules(jobs)
    context = SimpleNamespace(
        previews=previews,
        jobs=jobs,
        schedules=schedules,
        ready=lambda: None,
        job_presenter=SimpleNamespace(show=lambda job: job),
    )
    live = LiveUpdates(cast(PageContext, context))
    viewer = Viewer(Identity("ci", Scope.READ, "shop"), "")
    for topic in ("jobs/zebra", "jobs/zebra/a"):
        assert live.find_look(topic, viewer) is None
    looks = [live.find_look(topic, viewer) for topic in ("jobs", "jobs/shop", "jobs/shop/a")]

    def add(app: str, job_id: str) -> list[object]:
        job = JobRecord(app, job_id, SHA, "main", JobSettings(("work",)))
        jobs.command(lambda _: jobs.records.jobs.add_all([job], {}))
        return [see(look) for look in looks if look]

    before = [see(look) for look in looks if look]
    assert add("zebra", "a") == before
    after = add("shop", "a")
    assert [now != then for now, then in zip(after, before, strict=True)] == [True] * 3
    for app, turns in (("zebra", False), ("shop", True)):
        schedules.save(ScheduleRecord(app, "nightly", "main", "report", cron="30 2 * * *"))
        schedules.hindrances[app, "nightly"] = "Its repository is away."
        schedules.file_troubles[app] = FileTrouble("main", SHA, "It has a mistake.")
        lists = [see(look) for look in looks[:2] if look]
        assert [now != then for now, then in zip(lists, after, strict=False)] == [turns] * 2
