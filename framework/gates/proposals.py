"""A pending change of a gate: the previews for which it waits, and its outcome. Pure.

Until the previews run to which a change may lead, the gate's revision stays in force. So a commit
that cannot be built changes nothing.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from framework.gates import history
from prevs import names
from prevs.declarations import list_values
from prevs.gates import GateRecord, Proposal, Revision
from prevs.records import PreviewRecord
from prevs.states import State

AFTERWARDS_SECONDS = 3600.0
"""How long what a kept gate led to before goes on running, so that a rollback is at once."""


def propose(
    checked: GateRecord,
    before: GateRecord | None,
    commits: Mapping[str, str],
    awaited: Sequence[str],
) -> GateRecord:
    """Return the gate while `checked` waits for the `commits` of the `awaited` labels.

    What decides as the revision in force changes nothing there, and ends what waits. `checked` is
    as from written_gate.check.
    """
    if before is not None and checked.revision is before.revision:
        return dataclasses.replace(checked, proposal=None)
    base = before or GateRecord(checked.name, checked.app, Revision(0, ()), created=checked.created)
    revision = dataclasses.replace(
        checked.revision, commits={**checked.revision.commits, **commits}
    )
    proposal = Proposal(revision, awaited=tuple(awaited), **list_values(checked))
    made = dataclasses.replace(base, proposal=proposal, last_number=revision.number)
    return history.fit(made)


def adopt(record: GateRecord, found: Mapping[str, str], now: float) -> GateRecord:
    """Return the gate with what was proposed in force from `now` on.

    `found` are the commits to which labels led until then.
    """
    proposal, before = record.proposal, record.revision
    if proposal is None:
        return record
    made = GateRecord(
        name=record.name,
        app=record.app,
        revision=dataclasses.replace(proposal.revision, changed=now),
        created=record.created,
        last_number=record.last_number,
        **list_values(proposal),
    )
    if not before.number:
        return made
    labels = history.list_labels(before)
    led = {label: sha for label, sha in {**before.commits, **found}.items() if label in labels}
    before = dataclasses.replace(before, commits=led)
    return history.follow(made, dataclasses.replace(record, revision=before))


def fail(record: GateRecord, why: str) -> GateRecord:
    """Return the gate whose proposal comes to nothing."""
    if record.proposal is None:
        return record
    failed = dataclasses.replace(record.proposal, failure=why)
    return dataclasses.replace(record, proposal=failed)


def find_failure(app: str, label: str, preview: PreviewRecord | None) -> str:
    """Return why a proposal cannot wait any longer for a preview; "" while it can."""
    if preview is None:
        return f"The preview of {label} is gone. Write the gate again."
    name = label if label == preview.sha else f"{label} ({names.short(preview.sha)})"
    if preview.state is State.FAILED:
        return (
            f"{name} has failed: {_end(preview.why)} "
            f"`prevs logs {app} {names.short(preview.sha)}` shows more. Retry it there, or lead "
            "elsewhere, and write the gate again."
        )
    if preview.state is State.STOPPED:
        return f"{name} was stopped. {_end(preview.reason)} Write the gate again.".replace(
            "  ", " "
        )
    return ""


def waits(record: GateRecord) -> bool:
    """Return whether a change of a gate waits, and has not failed."""
    return record.proposal is not None and not record.proposal.failure


def find_latest(record: GateRecord) -> GateRecord:
    """Return a gate as it will be, if a change of it waits."""
    proposal = record.proposal
    if proposal is None or (proposal.failure and record.revision.number):
        return record
    return GateRecord(
        name=record.name,
        app=record.app,
        revision=proposal.revision,
        created=record.created,
        **list_values(proposal),
    )


def list_held(record: GateRecord, now: float) -> frozenset[str]:
    """Return the labels and commits whose previews go on running, although nobody uses them."""
    held: set[str] = set()
    proposal = record.proposal
    if proposal is not None and not proposal.failure:
        held |= {proposal.revision.commits[label] for label in proposal.awaited}
    if record.keep:
        held.update(history.list_labels(record.revision))
        if record.earlier and now < record.revision.changed + AFTERWARDS_SECONDS:
            held.update(record.earlier[0].commits.values())
    return frozenset(held)


def _end(sentence: str) -> str:
    return f"{sentence.rstrip('.')}." if sentence else ""
