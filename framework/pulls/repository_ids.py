"""Whether a forge still has an app's repository at its address, by the forge's own id of it. Pure.

The name of a repository is free once that is renamed, transferred or removed. Whoever takes it then
has the address from which prevs builds, with the app's secrets.
"""

import dataclasses

from framework.events import RepositorySeen
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord


def follow(known: RepositoryRecord | None, seen: RepositorySeen) -> RepositoryRecord | None:
    """Return the record after a look: the first id at an address is the app's, others are not."""
    ids = set(seen.ids)
    if known is None or known.repository != seen.repository:
        return RepositoryRecord(seen.app, seen.repository, ids.pop()) if len(ids) == 1 else known
    if not ids:
        return known
    return dataclasses.replace(known, found=min(ids - {known.id}, default=""))


def accept(known: RepositoryRecord) -> RepositoryRecord:
    """Return the record once somebody has said that what is at the address now is meant."""
    return dataclasses.replace(known, id=known.found or known.id, found="")


def is_other(app: AppRecord, known: RepositoryRecord | None) -> bool:
    """Return whether another repository has the app's address now."""
    return known is not None and known.repository == app.repository and bool(known.found)


def explain(known: RepositoryRecord) -> str:
    """Return why nothing is built of the repository that has an app's address now."""
    return (
        f"The forge has another repository at the address of {known.app!r} now: its id there is "
        f"{known.found}, and was {known.id}. prevs builds nothing of it, and says nothing in it."
    )


def advise(app: AppRecord) -> str:
    """Return the next step for somebody who may change the app."""
    return (
        f"If yours was renamed or moved, give its new address to `prevs app set {app.name} "
        "--repository …`. If the other one is meant, give the same address again."
    )


def find_problem(app: AppRecord, known: RepositoryRecord | None) -> str:
    """Return why nothing of an app's repository is built, with the next step; "" if it is."""
    if known is None or not is_other(app, known):
        return ""
    return f"{explain(known)} {advise(app)}"
