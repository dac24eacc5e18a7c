"""How the instances of a variant are used together: they stop as one. Service thread only."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from framework.ports import Use
from framework.state.records import Records
from framework.units.lifecycle import STARTING
from prevs.records import PreviewRecord
from prevs.states import State

_WANTED = frozenset({*STARTING, State.QUEUED, State.RUNNING})


class VariantUse(NamedTuple):
    """When any instance of a variant was last used or requested, and the apps of those that run.

    `used` is infinite while one starts: somebody waits for it, and it may call the others.
    """

    used: float
    apps: frozenset[str]


def find_uses(
    records: Records, last_used: Callable[[PreviewRecord], float]
) -> Mapping[str, VariantUse]:
    """Return the use of each open variant that has instances, by the label of each of these."""
    of_variants: defaultdict[tuple[str, str], list[PreviewRecord]] = defaultdict(list)
    for preview in records.list_instances():
        found = records.stacks.find_instance(preview)
        if found and preview.state in _WANTED:
            of_variants[found.stack, found.variant].append(preview)
    uses: dict[str, VariantUse] = {}
    for previews in of_variants.values():
        running = [one for one in previews if one.state is State.RUNNING]
        starts = any(one.state in STARTING for one in previews)
        used = math.inf if starts else max(map(last_used, previews))
        use = VariantUse(used, frozenset(one.app for one in running))
        uses |= {one.instance: use for one in running}
    return uses


def spread(records: Records, uses: Sequence[Use]) -> Sequence[Use]:
    """Return the uses of open variants as uses of the tasks of their running instances.

    `cart|shop` in place of a task's id is the name of a variant, and of a gate of its stack. So
    who visits only what all variants share keeps that variant's own instances.
    """
    keys = (use.task_id.partition("|") for use in uses if use.open or use.requests)
    stacks = records.stacks.gates
    used = {(stacks[gate], variant) for variant, _, gate in keys if gate in stacks}
    running = list_running(records, used) if used else ()
    return [Use(one.task_id, 0, 1) for one in running if one.task_id]


def list_running(
    records: Records, of_variants: Collection[tuple[str, str]]
) -> Sequence[PreviewRecord]:
    """Return the running instances of some variants, given as pairs (stack, variant)."""
    found = ((one, records.stacks.find_instance(one)) for one in records.list_instances())
    return [
        one for one, its in found if its and its[:2] in of_variants and one.state is State.RUNNING
    ]
