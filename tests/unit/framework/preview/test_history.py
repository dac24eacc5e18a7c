import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.preview import history
from framework.preview.history import KEPT, ActivityEvent, History
from framework.state.snapshot import Snapshot
from framework.trust import RecordKind, Refused
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.states import Cause, State
from prevs.units import Unit, preview_unit
from tests.fakes.driven import Driven

SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"
HELLO = AppRecord("hello", "/srv/hello")
NONE = Snapshot({}, {})
RUNNING = PreviewRecord(
    "hello", SHA, State.RUNNING, labels=("old", "main"), task_id="t1", agent_host="agent1"
)


def snapshot(*previews: PreviewRecord, apps: tuple[AppRecord, ...] = (HELLO,)) -> Snapshot:
    return Snapshot(
        {app.name: app for app in apps}, {preview_unit(p.app, p.sha): p for p in previews}
    )


def sentences(before: Snapshot, now: Snapshot) -> list[str]:
    return [one.sentence for one in history.note(History("e"), before, now, 5.0).events]


def become(preview: PreviewRecord, **fields: Any) -> str:
    """Return the one sentence about a change of a preview."""
    (sentence,) = sentences(snapshot(preview), snapshot(dataclasses.replace(preview, **fields)))
    return sentence


@pytest.mark.parametrize(
    ("before", "fields", "sentence"),
    [
        (State.QUEUED, {"state": State.PLACED}, "was placed on agent1"),
        (State.PLACED, {"state": State.BUILDING}, "is being built on agent1"),
        (State.BUILDING, {"state": State.STARTING}, "starts on agent1"),
        (State.STARTING, {"state": State.RUNNING}, "runs on agent1"),
        (State.STARTING, {"state": State.RUNNING, "agent_host": None}, "runs"),
        (State.RUNNING, {"state": State.DRAINING}, "is being stopped"),
        (
            State.DRAINING,
            {"state": State.STOPPED, "reason": "Nobody used it for 1 hour; come again."},
            "stopped: nobody used it for 1 hour; come again",
        ),
        (
            State.BUILDING,
            {
                "state": State.FAILED,
                "failure": Failure(Cause.BUILD_FAILED, "Step 2/3 failed:\n\tmake: no rule"),
            },
            "failed: Step 2/3 failed: make: no rule",
        ),
        (
            State.RUNNING,
            {"state": State.QUEUED, "reason": "Mesos has lost its task."},
            "starts again: Mesos has lost its task",
        ),
        (State.STOPPED, {"state": State.QUEUED}, "was requested again"),
        (State.FAILED, {"state": State.QUEUED}, "is tried again"),
        (State.RUNNING, {"pinned": True}, "was pinned"),
    ],
)
def test_each_change_is_a_sentence(before: State, fields: Mapping[str, Any], sentence: str) -> None:
    preview = dataclasses.replace(RUNNING, state=before)
    assert become(preview, **fields) == f"main of hello (5c80e7d) {sentence}"


def test_a_new_and_a_forgotten_preview_are_events() -> None:
    queued = dataclasses.replace(RUNNING, state=State.QUEUED, labels=(SHA[:9],))
    assert sentences(snapshot(), snapshot(queued)) == ["5c80e7d of hello was requested"]
    assert sentences(snapshot(RUNNING), snapshot()) == [
        "main of hello (5c80e7d) was forgotten: no branch or tag leads to it any more"
    ]


def test_an_event_of_an_instance_has_its_label_and_why_it_went() -> None:
    instance = dataclasses.replace(RUNNING, labels=("x--cart-shop",), instance="x--cart-shop")
    (event,) = history.note(History("e"), snapshot(instance), snapshot(), 5.0).events
    assert event.sentence.endswith("was forgotten: no variant has it any more")
    assert event.instance == "x--cart-shop"


def test_a_label_that_was_just_removed_still_names_it() -> None:
    assert become(RUNNING, state=State.FAILED, labels=()) == "main of hello (5c80e7d) failed"


def test_a_reason_of_a_megabyte_is_cut() -> None:
    sentence = become(RUNNING, state=State.FAILED, failure=Failure(Cause.UNHEALTHY, "x" * 2**20))
    assert len(sentence) < 400


def test_apps_that_come_change_and_go_are_events_and_include_their_previews() -> None:
    larger = dataclasses.replace(HELLO, mem=256, cpus=1.0)
    assert sentences(NONE, snapshot()) == ["app hello was added"]
    assert sentences(snapshot(), snapshot(apps=(larger,))) == ["app hello was changed: cpus, mem"]
    assert sentences(snapshot(RUNNING), NONE) == ["app hello was removed"]


def test_an_event_names_its_app_and_commit() -> None:
    failed = dataclasses.replace(RUNNING, state=State.FAILED)
    past = history.note(History("e"), snapshot(RUNNING), snapshot(failed), 5.0)
    sentence = "main of hello (5c80e7d) failed"
    assert past.events == (
        ActivityEvent(
            "e-1", 5.0, "preview", "hello", SHA, "main", State.FAILED, State.RUNNING, sentence, "t1"
        ),
    )
    (added,) = history.note(History("e"), NONE, snapshot(), 6.0).events
    assert added[:8] == ("e-1", 6.0, "app", "hello", None, None, None, None)


def test_without_changes_the_history_is_the_same_value() -> None:
    past = History("e")
    used = dataclasses.replace(RUNNING, last_used=9.0, reason="It waits.")
    assert history.note(past, snapshot(RUNNING), snapshot(used), 5.0) is past


def test_an_expired_or_foreign_position_cannot_be_continued() -> None:
    past = History("e")
    for number in range(KEPT + 7):
        app = AppRecord(f"app{number}", "/srv")
        past = history.note(past, NONE, snapshot(apps=(app,)), float(number))
    assert len(past.events) == KEPT
    assert past.last == f"e-{KEPT + 7}"
    assert past.after("e-7") == past.events
    assert past.after(past.last) == ()
    for unknown in ("e-6", "f-7", f"e-{KEPT + 8}", "e-", "7", "", "e-\u0661", "e-" + "9" * 30):
        assert past.after(unknown) is None
    assert past.before("e-10") == past.events[:2]
    assert past.before("e-3") == ()
    assert past.before("f-10") is past.before(f"e-{KEPT + 8}") is None


STATES = st.dictionaries(
    st.builds(preview_unit, st.sampled_from(["hello", "shop"]), st.sampled_from("ab")),
    st.sampled_from(State),
)


@given(st.lists(STATES, max_size=8), st.integers(0, 40))
def test_every_change_is_one_event_and_a_reader_that_continues_anywhere_misses_none(
    worlds: list[dict[Unit, State]], seen: int
) -> None:
    past, before, changes = History("e"), snapshot(apps=(HELLO, AppRecord("shop", "/srv"))), 0
    for world in worlds:
        kept = {unit: p for unit, p in before.previews.items() if world.get(unit) is p.state}
        wanted = {unit: PreviewRecord(unit.app, unit.name, to) for unit, to in world.items()}
        new = {unit: preview for unit, preview in wanted.items() if unit not in kept}
        now = Snapshot(before.apps, kept | new)
        past = history.note(past, before, now, 5.0)
        changes += len(new) + len(before.previews.keys() - world.keys())
        before = now
    assert [one.id for one in past.events] == [f"e-{n}" for n in range(1, changes + 1)]
    last_states = {preview_unit(one.app, one.sha or ""): one.state for one in past.events}
    assert {unit: state for unit, state in last_states.items() if state} == {
        unit: preview.state for unit, preview in before.previews.items()
    }
    rest = past.after(f"e-{seen}")
    assert rest == (past.events[seen:] if seen <= changes else None)


def test_the_service_records_its_actions_and_a_new_leader_starts_with_none(
    driven: Driven,
) -> None:
    driven.run()
    kinds = [(one.type, one.before, one.state) for one in driven.service.history.events]
    assert kinds[0] == ("app", None, None)
    assert kinds[1] == ("preview", None, State.QUEUED)
    assert kinds[-1][2] is State.RUNNING
    assert Driven(driven.znodes, driven.clock).service.history.events == ()


@pytest.mark.parametrize("digits", [18, 19])
def test_a_position_is_read_up_to_eighteen_digits(digits: int) -> None:
    """Longer ones fit into no integer of 64 bits, and nobody was ever given one."""
    past = History("e", int("1" * digits))
    assert past.after(past.last) == (() if digits == 18 else None)


@pytest.mark.parametrize(
    ("refused", "kind", "subject"),
    [
        (Refused(RecordKind.GATE, "api", "hello"), "gate", "api"),
        (Refused(RecordKind.STACK, "shop", "hello"), "stack", "shop"),
        (Refused(RecordKind.ACCESS, "hello", "hello"), "app", None),
    ],
)
def test_a_record_that_nobody_signed_is_an_event_of_its_app_once(
    refused: Refused, kind: str, subject: str | None
) -> None:
    found = {(refused.kind, refused.name): refused}
    now = snapshot()._replace(refused=found)
    (event,) = history.note(History("e"), snapshot(), now, 5.0).events
    assert (event.app, event.type, event.subject) == ("hello", kind, subject)
    assert event.sentence == refused.describe()
    assert sentences(now, now) == []
    assert sentences(NONE, NONE._replace(refused=found)) == [], "nobody has that app"
