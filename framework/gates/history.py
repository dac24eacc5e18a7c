"""The revisions of a gate that are kept, so that it can be rolled back. Pure."""

import dataclasses
from collections.abc import Sequence

from framework.gates.errors import UnknownRevision
from prevs.declarations import list_values
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

    A revision that decides like the one before, at the same hosts and as long kept, is none. If
    only these change, it has a number of its own, and there is nothing to roll back to. Labels that
    are gone stay at the commits at which they were.
    """
    earlier, revision = (before.revision, *before.earlier)[:MOST_EARLIER], record.revision
    if _decide_alike(revision, before.revision):
        earlier = before.earlier
        if list_values(record) == list_values(before):
            revision = before.revision
    labels = list_labels(revision)
    gone = {label: since for label, since in before.gone.items() if label in labels}
    known = before.revision.commits
    left = {label: known[label] for label in gone if label in known}
    revision = dataclasses.replace(revision, commits={**left, **revision.commits})
    return fit(
        dataclasses.replace(
            record,
            revision=before.revision if revision == before.revision else revision,
            earlier=earlier,
            last_number=before.last_number,
            gone=gone,
        )
    )


def fit(record: GateRecord) -> GateRecord:
    """Return a record with as many of its earlier revisions, the latest first, as fit."""
    while record.earlier and _measure(record) > LONGEST_RECORD:
        record = dataclasses.replace(record, earlier=record.earlier[:-1])
    return record


def next_number(before: GateRecord | None) -> int:
    """Return the number of a gate's next revision; none is given again."""
    return 1 if before is None else max(before.last_number, written_number(before)) + 1


def written_number(record: GateRecord) -> int:
    """Return the number of what was written last, and not given up."""
    proposal = record.proposal
    return record.revision.number if proposal is None else proposal.revision.number


def find_earlier(record: GateRecord, number: int | None) -> Revision:
    """Return an earlier revision, without a number the last one."""
    found = [one for one in record.earlier if number in (None, one.number)]
    if not found:
        raise UnknownRevision(record.name, number, [one.number for one in record.earlier])
    return found[0]


def list_labels(revision: Revision) -> Sequence[str]:
    """Return all labels of a revision, each once, in the order of its rules."""
    return list(dict.fromkeys(target.label for rule in revision.rules for target in rule.to))


def _decide_alike(one: Revision, other: Revision) -> bool:
    return (one.rules, one.override, one.refuses_unknown) == (
        other.rules,
        other.override,
        other.refuses_unknown,
    )


def _measure(record: GateRecord) -> int:
    return len(record.encode())
