"""The revisions of a gate that are kept."""

import dataclasses
from typing import Any

import pytest

from framework.errors import InvalidSettings
from framework.gates.history import (
    LONGEST_RECORD,
    LONGEST_REVISION,
    MOST_EARLIER,
    find_size_problem,
    follow,
    next_number,
    written_number,
)
from framework.gates.proposals import propose
from framework.gates.written_gate import (
    LONGEST_HOST,
    MOST_HOSTS,
    MOST_LABELS,
    Neighbours,
    WrittenGate,
    check,
)
from framework.gates.written_rule import WrittenRule, WrittenTarget
from prevs.gates import GateRecord, OnDelete, Revision, Rule, Target

SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"


def write(label: str, before: GateRecord | None, now: float) -> GateRecord:
    written = WrittenGate("shop", [WrittenRule("/", [WrittenTarget(label)])])
    return check("api", written, Neighbours("prevs.example"), now=now, by="ada", before=before)


def test_a_gate_keeps_its_last_ten_revisions_with_their_commits() -> None:
    record = write("l0", None, 100.0)
    for turn in range(1, 13):
        commits = {f"l{turn - 1}": SHA}
        known = dataclasses.replace(
            record, revision=dataclasses.replace(record.revision, commits=commits)
        )
        record = write(f"l{turn}", known, 100.0 + turn)
    assert (record.revision.number, record.created, record.revision.changed) == (13, 100.0, 112.0)
    assert record.revision.commits == {}
    assert [one.number for one in record.earlier] == list(range(12, 12 - MOST_EARLIER, -1))
    assert [dict(one.commits) for one in record.earlier[:2]] == [{"l11": SHA}, {"l10": SHA}]


def test_what_decides_as_before_is_no_new_revision() -> None:
    second = write("v1", write("main", None, 100.0), 101.0)
    assert write("v1", second, 102.0) == second


@pytest.mark.parametrize(
    ("setting", "value"),
    [("hosts", ("a.example.com",)), ("keep", True), ("on_delete", OnDelete.DEFAULT)],
)
def test_another_setting_has_a_number_of_its_own_and_nothing_to_roll_back_to(
    setting: str, value: Any
) -> None:
    changed: dict[str, Any] = {setting: value}
    second = write("v1", write("main", None, 100.0), 101.0)
    written = WrittenGate("shop", [WrittenRule("/", [WrittenTarget("v1")])], **changed)
    neighbours = Neighbours("prevs.example")
    third = check("api", written, neighbours, now=102.0, by="grace", before=second)
    revision = dataclasses.replace(second.revision, number=3, changed=102.0, by="grace")
    assert third == dataclasses.replace(second, **changed, revision=revision)
    again = check("api", written, neighbours, now=103.0, by="ada", before=third)
    assert again == third


def test_no_number_is_given_again() -> None:
    second = write("v1", write("main", None, 100.0), 101.0)
    waits = propose(write("v2", second, 102.0), second, {}, ("v2",))
    assert (next_number(waits), written_number(waits)) == (4, 3)
    given_up = propose(waits, waits, {}, ())
    assert (given_up.revision, given_up.proposal) == (second.revision, None)
    assert (next_number(given_up), written_number(given_up)) == (4, 2)


def test_a_gate_stays_with_its_app() -> None:
    written = WrittenGate("cart", [WrittenRule("/", [WrittenTarget("main")])])
    with pytest.raises(InvalidSettings, match="app: is shop, and cannot change"):
        check(
            "api",
            written,
            Neighbours("prevs.example"),
            now=101.0,
            by="ada",
            before=write("main", None, 100.0),
        )


def longest(number: int) -> Revision:
    """Return a revision of the most bytes and the most labels."""
    labels = [f"{n:02d}{'a' * 61}" for n in range(MOST_LABELS)]
    rules = tuple(Rule(f"/{number}/{label}", (Target(label),)) for label in labels)
    revision = Revision(number, rules)
    more = LONGEST_REVISION - len(GateRecord("", "", revision).encode())
    revision = dataclasses.replace(revision, by="a" * more)
    assert find_size_problem(revision) is None
    return dataclasses.replace(revision, commits=dict.fromkeys(labels, SHA))


def test_the_longest_revision_can_still_be_rolled_back_and_a_record_is_bounded() -> None:
    hosts = ("a" * LONGEST_HOST,) * MOST_HOSTS
    before = GateRecord("a" * 40, "a" * 40, longest(2), hosts, earlier=(longest(1),))
    record = follow(dataclasses.replace(before, revision=longest(3), earlier=()), before)
    assert [one.number for one in record.earlier] == [2]
    assert len(record.encode()) <= LONGEST_RECORD


def test_a_revision_that_is_too_long_is_told_its_size() -> None:
    revision = Revision(1, (Rule("/", (Target("a" * LONGEST_REVISION),)),))
    assert "may need 24576" in (find_size_problem(revision) or "")
