"""Which agent has the volumes of a preview, and whose volumes it leaves behind. Pure."""

from collections.abc import Collection
from typing import NamedTuple

from framework.preview import branch_data
from prevs.containers import Keep
from prevs.records import PreviewRecord


class Keeper(NamedTuple):
    """The agent that has volumes, and its address.

    They are the data of a `branch`, "" if they are a preview's own.
    """

    agent_id: str
    host: str
    branch: str = ""


def find_keeper(
    preview: PreviewRecord, branch: str, previews: Collection[PreviewRecord]
) -> Keeper | None:
    """Return who has the volumes of a preview; None if there are none: it has never run.

    With a `branch` they are its data, or what these begin with; `previews` are those of the app.
    """
    if branch:
        whose = branch_data.find_seed(preview, branch, previews) or branch
        place = branch_data.find_place(previews, whose)
        return Keeper(place.agent_id, place.agent_host, whose) if place else None
    run = preview.settings.run if preview.settings else None
    if run is None or not preview.agent_id or not preview.step_seconds:
        return None
    # What it had as the newest commit of a branch is not its own.
    is_own = run.has_kept(Keep.COMMIT) or (run.has_volumes and not preview.data)
    return Keeper(preview.agent_id, preview.agent_host or "") if is_own else None


def find_left(keeper: Keeper | None, agent_id: str) -> str:
    """Return the host of the agent whose volumes a preview leaves if it starts on `agent_id`."""
    return "" if keeper is None or keeper.agent_id == agent_id else keeper.host
