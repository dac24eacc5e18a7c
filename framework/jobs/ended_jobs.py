"""How long ended jobs are kept, and when they move into blocks. Pure.

A znode for each of many ended jobs would make a takeover slow. So the oldest hundred move together
into one block, which nobody reads before somebody asks for it.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prevs.commit_settings import CommitSettings
from prevs.jobs import EndedJobsRecord, JobRecord

BLOCK = 100
"""The jobs of a full block."""
BLOCK_BYTES = 256_000
"""A block has fewer jobs if they are large; ZooKeeper allows a megabyte."""
KEPT = 1000
"""How many ended jobs of an app are kept."""
KEPT_SECONDS = 7 * 86400.0


class Archived(NamedTuple):
    """Jobs that move into a block."""

    block: EndedJobsRecord
    moved: tuple[JobRecord, ...]


def archive(app: str, ended: Iterable[JobRecord], last_block: int) -> Archived | None:
    """Return the next block of an app, None while too few of its jobs have `ended`."""
    loose = sorted(ended, key=lambda job: (job.changed, job.id))
    if len(loose) < BLOCK:
        return None
    moved: list[JobRecord] = []
    size = 0
    for job in loose[:BLOCK]:
        size += len(job.encode())
        if moved and size > BLOCK_BYTES:
            break
        moved.append(job)
    # What only an attempt needs is not kept.
    kept = tuple(
        dataclasses.replace(job, settings=CommitSettings(), refs=(), has_payload=False)
        for job in moved
    )
    return Archived(EndedJobsRecord(app, last_block + 1, kept), tuple(moved))


def find_expired(ended: Iterable[JobRecord], now: float) -> Sequence[JobRecord]:
    """Return the jobs that ended so long ago that they are no longer kept."""
    return [job for job in ended if job.changed < now - KEPT_SECONDS]


def keep(blocks: Sequence[EndedJobsRecord], now: float) -> Sequence[EndedJobsRecord]:
    """Return those of an app's blocks, the oldest first, that are still kept."""
    kept: list[EndedJobsRecord] = []
    number = 0
    for block in reversed(blocks):
        number += len(block.jobs)
        is_old = not block.jobs or block.jobs[-1].changed < now - KEPT_SECONDS
        if not is_old and (number <= KEPT or not kept):
            kept.insert(0, block)
    return kept
