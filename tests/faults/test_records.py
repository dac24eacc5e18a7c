"""The store and Mesos disagree when a framework begins to lead."""

import dataclasses
from collections.abc import Iterator

import pytest

from prevs.paths import Paths
from prevs.records import Placement, PlacementsRecord, PreviewRecord
from prevs.signatures import derive_key, sign_placement
from prevs.states import State
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]

PATHS = Paths()


@pytest.fixture
def nobody_leads(system: System, seen: Seen) -> Iterator[System]:
    """The cluster without a framework; they are there again after the test."""
    for framework in system.frameworks:
        system.hold(framework)
    yield system
    _let_go(system)


def _let_go(system: System) -> None:
    for framework in system.frameworks:
        system.let_go(framework)


def _store(system: System, record: PreviewRecord) -> None:
    path = PATHS.preview(record.app, record.sha)
    with system.observer.zookeeper() as client:
        client.ensure_path(path)
        client.set(path, record.encode())


def _place(system: System, app: str, **changes: Placement | None) -> None:
    """Change an app's placements: commits and their placements, None for none."""
    path = PATHS.app_placements(app)
    with system.observer.zookeeper() as client:
        stored = PlacementsRecord.decode(client.get(path)[0])
        placements, signatures = dict(stored.placements), dict(stored.signatures)
        key = derive_key(system.settings.token_file.read_text().strip())
        for sha, placement in changes.items():
            placements.pop(sha, None)
            if placement is not None:
                placements[sha] = placement
                signatures[sha] = sign_placement(key, app, sha, placement)
        client.set(path, PlacementsRecord(app, placements, signatures).encode())


@pytest.mark.parametrize("state", [State.PLACED, State.RUNNING])
def test_a_task_that_mesos_never_had_is_given_up_and_its_preview_runs_in_another(
    nobody_leads: System, fleet: Fleet, seen: Seen, state: State, recovery: Recovery
) -> None:
    (app, sha), near = fleet.another, fleet.record("b01")
    phantom = f"{app}.{sha}.phantom{state.value}"
    seeded = PreviewRecord(
        app,
        sha,
        state,
        labels=(fleet.another_label[1],),
        task_id=phantom,
        agent_id=near.agent_id,
        agent_host=near.agent_host,
        host_port=1,
        created=near.created,
        changed=near.changed,
    )
    _store(nobody_leads, seeded)
    if state is State.RUNNING:
        _place(nobody_leads, app, **{sha: Placement(phantom, "127.0.0.1", 1, seeded.labels)})
    recovery.begin()
    _let_go(nobody_leads)
    nobody_leads.wait_for(lambda: _runs_as_another(nobody_leads, fleet, phantom), "it is replaced")
    recovery.end(f"phantom task seeded as {state.value}")
    nobody_leads.settle()
    fleet.stop_another()
    assert seen.lost == []


def _runs_as_another(system: System, fleet: Fleet, phantom: str) -> bool:
    record = system.record(fleet.another)
    return record is not None and record.state is State.RUNNING and record.task_id != phantom


def test_a_task_that_no_record_has_is_ended(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    fleet.start_another()
    app, sha = fleet.another
    record = system.record(fleet.another)
    assert record is not None
    for framework in system.frameworks:
        system.hold(framework)
    try:
        with system.observer.zookeeper() as client:
            client.delete(PATHS.preview(app, sha))
        _place(system, app, **{sha: None})
        recovery.begin()
    finally:
        _let_go(system)
    system.wait_for(lambda: record.task_id not in system.observer.look().tasks, "the task is ended")
    recovery.end("task unknown to the store")
    system.settle()
    assert record.task_id not in system.observer.containers()
    assert seen.lost == []


def test_a_start_that_mesos_has_and_the_store_has_not_runs_once(
    system: System, fleet: Fleet, seen: Seen
) -> None:
    fleet.start_another()
    record = system.record(fleet.another)
    assert record is not None
    for framework in system.frameworks:
        system.hold(framework)
    try:
        _store(system, dataclasses.replace(record, state=State.QUEUED, task_id=None))
        _place(system, record.app, **{record.sha: None})
    finally:
        _let_go(system)
    fleet.wait_another()
    system.settle()
    fleet.stop_another()
    assert seen.lost == []
