"""What is placed on agents and runs there: units."""

import enum
from typing import NamedTuple


class UnitKind(str, enum.Enum):
    """What a unit is. Its members are texts, so that units sort and hash fast."""

    PREVIEW = "preview"
    JOB = "job"


_PREVIEW, _JOB = UnitKind.PREVIEW, UnitKind.JOB
"""To look a member up in its class is a call of Python."""


class Unit(NamedTuple):
    """The identity of what is placed: its kind, its app, and its name among those of the app.

    A preview's name is its commit, a job's is its id. A unit has at most one task at a time.
    """

    kind: UnitKind
    app: str
    name: str


def preview_unit(app: str, sha: str) -> Unit:
    """Return the unit of an app's preview at a commit."""
    return Unit(_PREVIEW, app, sha)


def job_unit(app: str, job_id: str) -> Unit:
    """Return the unit of a job of an app."""
    return Unit(_JOB, app, job_id)
