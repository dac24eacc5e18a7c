"""Whatever happens to previews, the index finds the same as a search of all of them."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framework.preview.steps import typical_durations
from framework.state.preview_index import PreviewIndex
from framework.units.lifecycle import WITH_TASK
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import preview_unit

APPS, SHAS, LABELS = ("one", "two"), ("a" * 40, "b" * 40, "c" * 40), ("main", "v1", "x")


def make(attempt: str | None, **fields: Any) -> PreviewRecord:
    preview = PreviewRecord(**fields)
    task = attempt and f"{preview.app}.{preview.sha}.{attempt}"
    return dataclasses.replace(preview, task_id=task)


PREVIEWS = st.builds(
    make,
    attempt=st.sampled_from((None, "1", "2")),
    app=st.sampled_from(APPS),
    sha=st.sampled_from(SHAS),
    state=st.sampled_from(State),
    labels=st.lists(st.sampled_from(LABELS), max_size=3).map(tuple),
    agent_host=st.sampled_from((None, "127.0.0.1", "127.0.0.2")),
    host_port=st.sampled_from((None, 31000, 31001)),
    service_ports=st.sampled_from(({}, {"result": 31001}, {"result": 31002, "admin": 31003})),
    instance=st.sampled_from(("", "x--shop")),
    step_seconds=st.sampled_from(({}, {"queued": 1.0}, {"queued": 4.0, "building": 48.0})),
)
DROPS = st.tuples(st.sampled_from(APPS), st.sampled_from(SHAS))


def unordered(previews: object) -> list[str]:
    return sorted(map(repr, previews))  # type: ignore[call-overload] # any iterable


@given(st.lists(PREVIEWS | DROPS, max_size=30))
def test_every_query_finds_what_a_full_search_finds(steps: list[object]) -> None:
    index, expected = PreviewIndex(()), {}
    for step in steps:
        if isinstance(step, PreviewRecord):
            index.put(step)
            expected[preview_unit(step.app, step.sha)] = step
            index.find_typical_durations()  # what it keeps then may not get old
        elif isinstance(step, tuple):
            unit = preview_unit(*step)
            index.drop(unit)
            expected.pop(unit, None)
    every = list(expected.values())
    assert dict(index.all) == expected
    assert dict(index.instances) == {unit: p for unit, p in expected.items() if p.instance}
    assert index.apps == {p.app for p in every}
    assert index.counts() == {state: sum(p.state is state for p in every) for state in State}
    for task in {f"{app}.{sha}.{attempt}" for app in APPS for sha in SHAS for attempt in "12"}:
        found = [u for u, p in expected.items() if p.task_id == task and p.state in WITH_TASK]
        assert index.of_task(task) == (found[0] if found else None)
    typical = {app: typical_durations(p for p in every if p.app == app) for app in APPS}
    assert index.find_typical_durations() == {app: found for app, found in typical.items() if found}
    assert index.places == {
        (p.agent_host, port)
        for p in every
        if p.state in WITH_TASK and p.agent_host
        for port in (p.host_port, *p.service_ports.values())
        if port
    }
    held = {
        (app, label): [p for p in every if p.app == app and label in p.labels]
        for app in APPS
        for label in LABELS
    }
    assert {key: unordered(found) for key, found in index.shared.items()} == {
        key: unordered(found) for key, found in held.items() if len(found) > 1
    }
    for app in APPS:
        assert unordered(index.of_app(app)) == unordered(p for p in every if p.app == app)
        some = (p for p in every if p.app == app and {"main", "x"} & set(p.labels))
        assert unordered(index.with_label(app, ("main", "x"))) == unordered(some)
    waiting = (p for p in every if p.state in (State.QUEUED, State.PLACED))
    assert unordered(index.in_state(State.QUEUED, State.PLACED)) == unordered(waiting)
