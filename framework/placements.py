"""Where visitors are sent: the placements of an app, as a function of its previews.

A label may be held by two previews: the one that it leads to, which runs, and one that it shall
lead to as soon as that runs. Where two running ones hold it, the one that began to run last has it.
"""

from collections.abc import Collection, Iterable, Sequence

from prevs.records import Placement, PlacementsRecord, PreviewRecord
from prevs.states import State


def placements(
    app: str, previews: Iterable[PreviewRecord], unrouted: Collection[str]
) -> PlacementsRecord:
    """Return the placements of `app`. Tasks in `unrouted` (their agent is away) get none."""
    routed = [
        preview
        for preview in previews
        if preview.app == app
        and preview.state is State.RUNNING
        and preview.task_id is not None
        and preview.task_id not in unrouted
    ]
    return PlacementsRecord(
        app=app,
        placements={
            preview.sha: Placement(
                task_id=preview.task_id or "",
                host=preview.agent_host or "",
                port=preview.host_port or 0,
                labels=tuple(x for x in preview.labels if _leader(x, routed) is preview),
            )
            for preview in routed
        },
    )


def rivals(
    preview: PreviewRecord, labels: Collection[str], previews: Iterable[PreviewRecord]
) -> list[PreviewRecord]:
    """Return the other previews of the app that hold one of `labels`."""
    return [
        other
        for other in previews
        if other.app == preview.app
        and other.sha != preview.sha
        and any(label in other.labels for label in labels)
    ]


def with_label(preview: PreviewRecord, label: str) -> tuple[str, ...]:
    """Return the preview's labels with `label` as the newest."""
    return (*(x for x in preview.labels if x != label), label)


def without(preview: PreviewRecord, labels: Collection[str]) -> tuple[str, ...]:
    """Return the preview's labels but for some."""
    return tuple(x for x in preview.labels if x not in labels)


def _leader(label: str, routed: Sequence[PreviewRecord]) -> PreviewRecord:
    holders = [preview for preview in routed if label in preview.labels]
    return max(holders, key=lambda p: (p.started or 0.0, p.sha))
