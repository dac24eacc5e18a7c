"""The stored records, read by a framework that begins to lead."""

import gc

from framework.errors import ForeignState
from framework.ports import Store, Stored
from framework.units import lifecycle
from prevs.paths import Paths


def load(store: Store, paths: Paths) -> Stored:
    """Return all records. Raises ForeignState, Unavailable."""
    stored = store.load()
    refuse_without_id(stored, paths.framework_id)
    # All of this stays, so the garbage collector need not visit it (0.1 s for 10,000 previews).
    gc.collect()
    gc.freeze()
    return stored


def refuse_without_id(stored: Stored, path: str) -> None:
    """Raise ForeignState if tasks belong to a framework id that is no longer at `path`.

    Under a new id, nobody would end these tasks, and each preview and job would run twice.
    """
    previews = [one for one in stored.previews if one.task_id and one.state in lifecycle.WITH_TASK]
    jobs = [one for one in stored.jobs.jobs if one.task_id and one.state in lifecycle.JOB_WITH_TASK]
    number = len(previews) + len(jobs)
    if stored.framework_id is None and number and not stored.forgotten:
        why = (
            f"holds no framework id, but {number} previews or jobs have a task under the id that "
            "was there. Put it back, or run `python -m framework --forget id`."
        )
        raise ForeignState(path, why)
