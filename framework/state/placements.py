"""Where visitors are sent: the placements of an app, as a function of its previews.

Two previews may hold the same label, which leads to the running one, and to the other as soon as
that runs. If two running previews hold it, it leads to the one that began last. A label that any
preview holds leads to no service of another one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from prevs.records import Placement, PlacementsRecord, PreviewRecord
from prevs.service_names import service_labels
from prevs.states import State


def placements(
    app: str, previews: Iterable[PreviewRecord], unrouted: Collection[str]
) -> PlacementsRecord:
    """Return the placements of `app`, given its previews.

    Tasks in `unrouted` (their agent is away) get none.
    """
    previews = tuple(previews)
    routed = [preview for preview in previews if _is_routed(preview, unrouted)]
    leaders = _find_leaders(routed)
    held = {label for one in previews for label in one.labels}
    return PlacementsRecord(
        app=app,
        failed=_find_failed(previews, leaders),
        placements={preview.sha: _place(preview, leaders, held) for preview in routed},
    )


def _is_routed(preview: PreviewRecord, unrouted: Collection[str]) -> bool:
    if preview.state is not State.RUNNING or preview.task_id is None:
        return False
    return preview.task_id not in unrouted


def _find_leaders(routed: Iterable[PreviewRecord]) -> Mapping[str, PreviewRecord]:
    """Return the preview that each label leads to."""
    leaders: dict[str, PreviewRecord] = {}
    for preview in sorted(routed, key=lambda p: (p.started or 0.0, p.sha)):
        leaders |= dict.fromkeys(preview.labels, preview)
    return leaders


def _find_failed(
    previews: Iterable[PreviewRecord], leaders: Mapping[str, PreviewRecord]
) -> Mapping[str, str]:
    failed: dict[str, str] = {}
    for preview in previews:
        if preview.state is State.FAILED:
            for label in preview.labels:
                if leader := leaders.get(label):
                    services = dict(_services_at(leader, label))
                    failed |= dict.fromkeys((label, *services), preview.sha)
    return failed


def _services_at(preview: PreviewRecord, label: str) -> Iterator[tuple[str, int]]:
    """Yield the labels of a preview's services at its `label`, and where each of them answers."""
    for service, port in preview.service_ports.items():
        for one in service_labels(service, label, preview.app):
            yield one, port


def _place(
    preview: PreviewRecord, leaders: Mapping[str, PreviewRecord], held: Collection[str]
) -> Placement:
    labels = tuple(label for label in preview.labels if leaders[label] is preview)
    return Placement(
        task_id=preview.task_id or "",
        host=preview.agent_host or "",
        port=preview.host_port or 0,
        labels=labels,
        protocol=preview.protocol,
        services=_find_services(preview, labels, held) if preview.service_ports else {},
    )


def _find_services(
    preview: PreviewRecord, labels: Iterable[str], held: Collection[str]
) -> Mapping[str, int]:
    """Return what else leads to a preview's services, by the labels that lead to it."""
    at = (found for label in labels for found in _services_at(preview, label))
    return {one: port for one, port in at if one not in held}


def with_label(preview: PreviewRecord, label: str) -> tuple[str, ...]:
    """Return the preview's labels with `label` as the newest."""
    return (*(x for x in preview.labels if x != label), label)


def taken_labels(before: PreviewRecord, after: PreviewRecord, label: str) -> Collection[str]:
    """Return the labels that a preview takes from others when it changes."""
    if after.state is State.RUNNING is not before.state:
        return after.labels
    return (label,) if label else ()


def without(preview: PreviewRecord, labels: Collection[str]) -> tuple[str, ...]:
    """Return the preview's labels except for some."""
    return tuple(x for x in preview.labels if x not in labels)
