"""What becomes of a build ahead: of a preview that starts before anybody has requested it. Pure."""

import enum

from framework.units.reasons import ReasonKind
from prevs.records import PreviewRecord
from prevs.states import State


class BuildOutcome(enum.StrEnum):
    """How a build ahead ended. The values are those of a metric."""

    BUILT = "built"  # it has run; its image stays
    VISITED = "visited"  # somebody came before it had run
    FAILED = "failed"
    SUPERSEDED = "superseded"  # its branch or pull request has moved on, or is gone
    SKIPPED = "skipped"  # its commit asks for it
    EVICTED = "evicted"  # a visitor's preview needed its room
    STOPPED = "stopped"  # by somebody, or its app is gone


_BY_REASON = {
    ReasonKind.SUPERSEDED.value: BuildOutcome.SUPERSEDED,
    ReasonKind.SKIPPED.value: BuildOutcome.SKIPPED,
    ReasonKind.EVICTED.value: BuildOutcome.EVICTED,
}
_ENDS = frozenset({State.DRAINING, State.STOPPED})


def find_outcome(preview: PreviewRecord | None) -> BuildOutcome | None:
    """Return how the build ahead of a preview ended, None while it goes on.

    The preview is None if its record is gone.
    """
    if preview is None:
        return BuildOutcome.STOPPED
    if preview.state is State.FAILED:
        return BuildOutcome.FAILED
    if not preview.ahead:
        return BuildOutcome.VISITED
    if preview.state is State.RUNNING:
        return BuildOutcome.BUILT
    if preview.state in _ENDS:
        return _BY_REASON.get(preview.reason_kind, BuildOutcome.STOPPED)
    return None
