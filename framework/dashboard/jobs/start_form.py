"""The form that starts a named job, as people fill it in. Pure."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError

from framework.dashboard.jobs.named_jobs import NamedJobs
from framework.dashboard.pages import app_forms
from framework.dashboard.pages.app_forms import Filled
from framework.errors import (
    AmbiguousLabel,
    Conflict,
    FrameworkError,
    NotFound,
    RepositoryUnreachable,
    Unavailable,
    UnknownLabel,
)
from framework.http_api.jobs.job_orders import JobOrder
from framework.jobs.errors import CommitSettingsInvalid, UnknownJobName

REFUSALS = (Conflict, NotFound, RepositoryUnreachable, Unavailable)
"""The errors after which somebody may change the form, or send it again."""
_FIELDS = ("job", "label", "payload", "key")
_OF_FIELDS: Mapping[str, tuple[type[FrameworkError], ...]] = {
    "label": (UnknownLabel, AmbiguousLabel, CommitSettingsInvalid),
    "job": (UnknownJobName,),
}


class Ordered(NamedTuple):
    """What a form orders. The same form sent twice has the same `key`."""

    order: JobOrder
    key: str


def begin(named: NamedJobs, job: str, key: str) -> Filled:
    """Return the form for a job of the first branch. `key` is a text that no other form has."""
    only = next(iter(named.jobs)) if len(named.jobs) == 1 else ""
    label = named.branch.label if named.branch else ""
    return Filled({"job": job or only, "label": label, "payload": "", "key": key})


def read(form: Mapping[str, str]) -> Ordered | Filled:
    """Return what a form orders, or the form with what is wrong with it."""
    values = {name: form.get(name, "") for name in _FIELDS}
    # A browser ends each line of a form with CR and LF.
    payload = values["payload"].replace("\r\n", "\n")
    given = {"label": values["label"].strip(), "job": values["job"].strip()}
    try:
        order = JobOrder.model_validate({**given, "payload": payload or None})
    except ValidationError as error:
        return Filled(values, app_forms.explain(error))
    text = f"{values['key']}\0{order.model_dump_json()}"
    return Ordered(order, hashlib.sha256(text.encode()).hexdigest() if values["key"] else "")


def refuse(form: Mapping[str, str], error: FrameworkError) -> Filled:
    """Return the form with why its order was refused, beside the field that is the cause.

    If none is, the problem has the name "".
    """
    values = {name: form.get(name, "") for name in _FIELDS}
    causes = (field for field, kinds in _OF_FIELDS.items() if isinstance(error, kinds))
    return Filled(values, {next(causes, ""): str(error)})
