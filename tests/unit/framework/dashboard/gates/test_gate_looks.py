"""Open pages of gates know when they are out of date."""

from types import SimpleNamespace
from typing import cast

from framework.access import Identity, Scope
from framework.dashboard.live import GateLooks
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.state.snapshot import Behind
from prevs import names
from prevs.gates import GateRecord, Revision, Rule, Target
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.gates import FakeGates
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews
from tests.unit.framework.dashboard.conftest import SHA

PLACES = ((), ("shop",), ("shop", "of-shop"))


def test_pages_of_gates_follow_those_that_their_viewer_sees() -> None:
    previews = FakePreviews()
    jobs = FakeJobs(previews)
    gates = FakeGates(jobs, previews)
    presenter = GatePresenter(lambda: gates.snapshot, names.addresses("localhost", 80))
    context = SimpleNamespace(gates=gates, gate_presenter=presenter, ready=lambda: None)
    looks = GateLooks(cast(PageContext, context))
    viewer = Viewer(Identity("ci", Scope.READ, "shop"), "")
    for place in (("zebra",), ("zebra", "of-zebra"), ("shop", "of-shop", "more")):
        assert looks.find_look(place, viewer) is None
    own = [found for place in PLACES if (found := looks.find_look(place, viewer))]
    other = looks.find_look(("shop", "of-zebra"), viewer)
    assert len(own) == len(PLACES)
    seen = [look() for look in own]

    def differ() -> list[bool]:
        nonlocal seen
        before, seen = seen, [look() for look in own]
        return [now != then for now, then in zip(seen, before, strict=True)]

    for app, turns in (("zebra", False), ("shop", True)):
        previews.add_app(AppRecord(app, f"/{app}.git"))
        jobs.take_apps()
        rules = (Rule("/", (Target("main"),)),)
        jobs.records.gates.save(GateRecord(f"of-{app}", app, Revision(1, rules)))
        assert differ() == [turns] * 3
        gates.behind[f"of-{app}"] = Behind(1, 2)
        assert differ() == [turns] * 3
        previews.put(app, SHA, State.QUEUED, labels=("main",))
        assert differ() == [False, False, turns]
    assert other
    assert other() is None
