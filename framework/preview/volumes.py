"""Which agent has the volumes of a preview, and whose volumes it leaves behind. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from framework.preview import branch_data
from prevs.containers import Keep
from prevs.records import PreviewRecord


class Keeper(NamedTuple):
    """The agent that has volumes, and its address."""

    agent_id: str
    host: str


def find_keeper(
    preview: PreviewRecord, branch: str, previews: Iterable[PreviewRecord]
) -> Keeper | None:
    """Return who has the volumes of a preview; None if there are none: it has never run.

    With a `branch` they are its data, and `previews` are those of the app.
    """
    if branch:
        place = branch_data.find_place(previews, branch)
        return Keeper(place.agent_id, place.agent_host) if place else None
    run = preview.settings.run if preview.settings else None
    if run is None or not preview.agent_id or not preview.step_seconds:
        return None
    # What it had as the newest commit of a branch is not its own.
    is_own = run.has_kept(Keep.COMMIT) or (run.has_volumes and not preview.data)
    return Keeper(preview.agent_id, preview.agent_host or "") if is_own else None


def find_left(keeper: Keeper | None, agent_id: str) -> str:
    """Return the host of the agent whose volumes a preview leaves if it starts on `agent_id`."""
    return "" if keeper is None or keeper.agent_id == agent_id else keeper.host
