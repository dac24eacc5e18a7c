"""Which branch a preview has the data of, where these are, and which older preview lets go of them.

The data of a branch are the volumes of Keep.BRANCH. One preview at a time has them. Pure.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from framework.units.lifecycle import WITH_TASK, is_ending
from prevs import names
from prevs.containers import Keep
from prevs.data_waits import ITS_DATA_ARE_COPIED
from prevs.pulls import PullRecord
from prevs.records import DataPlace, PreviewRecord
from prevs.states import State

Pulls = Mapping[int, PullRecord]


def find_branch(preview: PreviewRecord, pulls: Pulls) -> str:
    """Return the branch whose data a preview has at its next start; "" if it has its own.

    It is the one whose address, or whose pull request's, was opened first, as long as that leads to
    the commit. Whoever opened the commit by its digits or by a tag gets the same preview. A
    stranger's commit and an instance of a variant have their own.
    """
    settings = preview.settings
    if preview.stranger or preview.instance or not preview.labels or not preview.refs:
        return ""
    if settings is None or not settings.run.has_kept(Keep.BRANCH):
        return ""
    heads = [ref[len(names.BRANCHES) :] for ref in preview.refs if ref.startswith(names.BRANCHES)]
    led = {names.slug(head): head for head in heads}
    for pull in pulls.values() if heads else ():
        if pull.branch in heads and pull.closed is None:
            led.update(dict.fromkeys(names.pull_labels(pull.number, pull.ref), pull.branch))
    found = [led[label] for label in preview.labels if label in led]
    if preview.data in found:
        return preview.data
    return found[0] if found else ""


def find_place(previews: Iterable[PreviewRecord], branch: str) -> DataPlace | None:
    """Return where the data of a branch are, given the previews of its app; None if nowhere."""
    newest = find_newest(previews, branch)
    return newest if newest and newest.agent_id else None


def find_newest(previews: Iterable[PreviewRecord], branch: str) -> DataPlace | None:
    """Return what is known last of the data of a branch: where they are, or that they were reset.

    None if nothing is known. `previews` are those of the app.
    """
    places = (one.data_places[branch] for one in previews if branch in one.data_places)
    return max(places, key=lambda place: place.at, default=None)


def find_seed(preview: PreviewRecord, branch: str, previews: Collection[PreviewRecord]) -> str:
    """Return the branch whose data those of a preview's branch begin with; "" for none.

    That is what somebody has ordered, or else what its commit says, if its branch has no data yet,
    and that one has. `previews` are those of the app.
    """
    newest = find_newest(previews, branch) if branch else None
    if not branch or (newest and newest.agent_id):
        return ""
    seed = preview.settings.run.seed if preview.settings else ""
    seed = (newest and newest.seed) or seed
    return seed if seed != branch and seed and find_place(previews, seed) else ""


def find_beginning(
    preview: PreviewRecord, branch: str, previews: Collection[PreviewRecord], agent_id: str
) -> float:
    """Return when the data of a branch began that a preview has on an agent; 0.0 if they are new.

    They go on if they are there, or if the attempt before has begun them there and did not run.
    `previews` are those of the app.
    """
    newest = find_newest(previews, branch)
    if newest and newest.agent_id == agent_id:
        return newest.began
    is_same = (preview.data, preview.agent_id) == (branch, agent_id)
    began = preview.data_began
    is_over = newest and (newest.at > began or (not newest.agent_id and newest.at == began))
    return began if is_same and not is_over else 0.0


def find_copied(newer: PreviewRecord, previews: Iterable[PreviewRecord]) -> Iterable[PreviewRecord]:
    """Return the previews of an app that must stop, as `newer` waits to copy their data."""
    waits = newer.state is State.STARTING and newer.detail.endswith(ITS_DATA_ARE_COPIED)
    if not waits or not newer.seed:
        return ()
    until = _find_placed(newer)
    holders = list_holders(newer.seed, previews)
    return [one for one in holders if _find_placed(one) < until]


def list_holders(branch: str, previews: Iterable[PreviewRecord]) -> list[PreviewRecord]:
    """Return the previews of an app with an attempt that has the data of a branch, and goes on."""
    return [one for one in previews if one.data == branch and _is_wanted(one)]


def knows(preview: PreviewRecord, branch: str) -> bool:
    """Return whether a preview has, or had, the data of a branch, or knows of their reset."""
    return preview.data == branch or branch in preview.data_places


def find_older(
    newer: PreviewRecord, branch: str, previews: Iterable[PreviewRecord]
) -> list[PreviewRecord]:
    """Return the previews of an app that have the data of a branch before a `newer` one has.

    They run, or their attempts were placed before that of the newer one, which does not run yet.
    """
    until = _find_placed(newer)
    return [
        one
        for one in list_holders(branch, previews)
        if one.sha != newer.sha and (one.state is State.RUNNING or _find_placed(one) < until)
    ]


def find_holder(branch: str, previews: Iterable[PreviewRecord]) -> PreviewRecord | None:
    """Return a preview of an app whose attempt has the data of a branch; None if none has them."""
    found = (one for one in previews if one.data == branch and one.state in WITH_TASK)
    return next(found, None)


def must_start_again(preview: PreviewRecord, pulls: Pulls) -> bool:
    """Return whether a preview with data of its own has those of a branch once it starts again."""
    return _is_wanted(preview) and not preview.data and bool(find_branch(preview, pulls))


class BranchData(NamedTuple):
    """What is known of the data of a branch: where they are, and which preview had them last.

    `running` is the preview whose attempt has them now, None for none.
    """

    branch: str
    place: DataPlace
    last: PreviewRecord
    running: PreviewRecord | None


def list_data(previews: Collection[PreviewRecord]) -> list[BranchData]:
    """Return the data of all branches of an app, given its previews, by name."""
    found = []
    for branch in sorted({branch for one in previews for branch in one.data_places}):
        having = [one for one in previews if branch in one.data_places]
        last = max(having, key=lambda one: one.data_places[branch].at)
        running = next(iter(list_holders(branch, previews)), None)
        found.append(BranchData(branch, last.data_places[branch], last, running))
    return found


def _is_wanted(preview: PreviewRecord) -> bool:
    """Return whether a preview has an attempt that is not to end."""
    return preview.state in WITH_TASK and not is_ending(preview.state)


def _find_placed(preview: PreviewRecord) -> float:
    """Return when the attempt of a preview was placed; infinity before that."""
    placed = (step.began for step in preview.steps if step.name == State.PLACED.value)
    return next(placed, float("inf"))
