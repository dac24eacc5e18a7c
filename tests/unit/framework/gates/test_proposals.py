"""What a change of a gate starts from while another one waits, or has failed."""

import dataclasses

import pytest

from framework.gates.proposals import AFTERWARDS_SECONDS, fail, find_latest, list_held, propose
from prevs.gates import GateRecord, Revision, Rule, Target

FIRST = Revision(1, (Rule("/", (Target("main"),)),))
SECOND = Revision(2, (Rule("/", (Target("v2"),)),))
GATE = GateRecord("api", "shop", FIRST, created=7.0)


def wait(revision: Revision, before: GateRecord | None) -> GateRecord:
    written = dataclasses.replace(GATE, revision=revision, hosts=("a.example.com",), keep=True)
    return propose(written, before, {}, ("v2",))


@pytest.mark.parametrize("before", [GATE, None], ids=["of a gate", "of a new gate"])
def test_the_latest_is_the_change_that_waits(before: GateRecord | None) -> None:
    latest = find_latest(wait(SECOND, before))
    assert (latest.revision, latest.hosts, latest.keep) == (SECOND, ("a.example.com",), True)
    assert (latest.name, latest.app, latest.created) == ("api", "shop", 7.0)


def test_a_change_that_failed_leaves_what_is_in_force_as_the_latest() -> None:
    failed = fail(wait(SECOND, GATE), "v2 has failed.")
    assert find_latest(failed) == failed
    assert find_latest(failed).revision == FIRST


def test_a_new_gate_whose_first_revision_failed_can_be_changed_from_that() -> None:
    """Else its rules would be gone, and whoever corrects one of them would write all again."""
    failed = fail(wait(FIRST, None), "main has failed.")
    latest = find_latest(failed)
    assert (latest.revision, latest.hosts, latest.keep) == (FIRST, ("a.example.com",), True)


def test_what_a_change_waits_for_is_held_until_the_change_fails() -> None:
    """A preview that runs for nobody may make room again."""
    proposed = propose(dataclasses.replace(GATE, revision=SECOND), GATE, {"v2": "b" * 40}, ("v2",))
    assert list_held(proposed, 0.0) == {"b" * 40}
    assert list_held(fail(proposed, "main has failed."), 0.0) == frozenset()


@pytest.mark.parametrize(
    ("later", "is_held"), [(0.0, True), (AFTERWARDS_SECONDS - 1, True), (AFTERWARDS_SECONDS, False)]
)
def test_a_gate_that_keeps_its_previews_keeps_those_before_the_last_change_for_a_while(
    later: float, is_held: bool
) -> None:
    """A rollback to them is as quick as the change was."""
    changed = dataclasses.replace(SECOND, changed=100.0)
    earlier = [
        dataclasses.replace(FIRST, commits={"main": "a" * 40, "old": "b" * 40}),
        dataclasses.replace(FIRST, commits={"main": "c" * 40}),
    ]
    gate = dataclasses.replace(GATE, revision=changed, keep=True, earlier=tuple(earlier))
    before = {"a" * 40, "b" * 40} if is_held else set()
    assert list_held(gate, 100.0 + later) == {"v2", *before}
    assert list_held(dataclasses.replace(gate, keep=False), 100.0 + later) == frozenset()
    assert list_held(dataclasses.replace(gate, earlier=()), 100.0) == {"v2"}
