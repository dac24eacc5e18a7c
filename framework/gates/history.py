"""The revisions of a gate that are kept, so that it can be rolled back. Pure."""

import dataclasses

from framework.gates.errors import UnknownRevision
from prevs.gates import GateRecord, Revision

MOST_EARLIER = 10
LONGEST_RECORD = 64 * 1024
LONGEST_REVISION = 24 * 1024
"""Bytes. Two of these and their commits always fit into a record: one in force and one proposed."""


def find_size_problem(revision: Revision) -> str | None:
    """Return that the rules of a revision are too long together; None if they are not."""
    size = _measure(GateRecord("", "", revision))
    if size <= LONGEST_REVISION:
        return None
    return f"need {size} bytes, and may need {LONGEST_REVISION}. Write fewer or shorter ones."


def follow(record: GateRecord, before: GateRecord) -> GateRecord:
    """Return a record with the revisions of the one before it as earlier ones, as many as fit.

    A revision that decides like the one before is none.
    """
    earlier = (before.revision, *before.earlier)[:MOST_EARLIER]
    if _decide_alike(record.revision, before.revision):
        record, earlier = dataclasses.replace(record, revision=before.revision), before.earlier
    return fit(dataclasses.replace(record, earlier=earlier))


def fit(record: GateRecord) -> GateRecord:
    """Return a record with as many of its earlier revisions, the latest first, as fit."""
    while record.earlier and _measure(record) > LONGEST_RECORD:
        record = dataclasses.replace(record, earlier=record.earlier[:-1])
    return record


def next_number(before: GateRecord | None) -> int:
    """Return the number of a gate's next revision; none that was in force is given again."""
    if before is None:
        return 1
    proposed = before.proposal.revision.number if before.proposal else 0
    return max(before.revision.number, proposed) + 1


def find_earlier(record: GateRecord, number: int | None) -> Revision:
    """Return an earlier revision, without a number the last one. Raises UnknownRevision."""
    found = [one for one in record.earlier if number in (None, one.number)]
    if not found:
        raise UnknownRevision(record.name, number, [one.number for one in record.earlier])
    return found[0]


def _decide_alike(one: Revision, other: Revision) -> bool:
    return (one.rules, one.override, one.refuses_unknown) == (
        other.rules,
        other.override,
        other.refuses_unknown,
    )


def _measure(record: GateRecord) -> int:
    return len(record.encode())
