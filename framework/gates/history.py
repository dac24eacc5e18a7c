"""The revisions of a gate that are kept, so that it can be rolled back. Pure."""

import dataclasses

from prevs.gates import GateRecord, Revision

MOST_EARLIER = 10
LONGEST_RECORD = 64 * 1024
LONGEST_REVISION = 24 * 1024
"""Bytes. Two of these and their commits always fit into a record."""


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
    while True:
        made = dataclasses.replace(record, earlier=earlier)
        if not earlier or _measure(made) <= LONGEST_RECORD:
            return made
        earlier = earlier[:-1]


def _decide_alike(one: Revision, other: Revision) -> bool:
    return (one.rules, one.override, one.refuses_unknown) == (
        other.rules,
        other.override,
        other.refuses_unknown,
    )


def _measure(record: GateRecord) -> int:
    return len(record.encode())
