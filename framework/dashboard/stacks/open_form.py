"""The form that opens a variant of a stack, as people fill it in. Pure."""

from collections.abc import Collection, Mapping

from framework.dashboard.pages.app_forms import Filled
from framework.errors import (
    Conflict,
    FrameworkError,
    InvalidSettings,
    NotFound,
    RepositoryUnreachable,
    Unavailable,
)
from framework.http_api.stacks.stack_orders import VariantOrder
from framework.stacks.variants import LONGEST_REF
from prevs.names import is_label

REFUSALS = (Conflict, InvalidSettings, NotFound, RepositoryUnreachable, Unavailable)
"""The errors after which somebody may change the form, or send it again."""
_LONGEST = LONGEST_REF + 1
"""Characters of a value: one more than a branch may have, so that a longer one is refused."""


def read(form: Mapping[str, str], members: Collection[str]) -> VariantOrder | Filled:
    """Return which variant a form opens, or the form with what is wrong with it."""
    values = keep(form, members)
    labels = {one: values[f"at-{one}"] for one in members if values[f"at-{one}"]}
    problems = {
        f"at-{member}": "must be a label, as in an address: main"
        for member, label in labels.items()
        if not is_label(label)
    }
    if not values["ref"]:
        problems["ref"] = "is missing. Write the branch that changes something, or any name."
    if problems:
        return Filled(values, problems)
    own = [one for one in members if values[f"own-{one}"]]
    return VariantOrder(ref=values["ref"], labels=labels, own=own)


def refuse(form: Mapping[str, str], members: Collection[str], error: FrameworkError) -> Filled:
    """Return the form with why its variant was not opened, beside the field that is the cause.

    If none is, the problem has the name "".
    """
    values = keep(form, members)
    if not isinstance(error, InvalidSettings):
        return Filled(values, {"": str(error)})
    fields = {"ref": "ref", **{f"labels.{one}": f"at-{one}" for one in members}}
    found = [(fields.get(one.field, ""), one.message) for one in error.problems]
    return Filled(values, dict(found))


def keep(form: Mapping[str, str], members: Collection[str]) -> Mapping[str, str]:
    """Return the values of a form, and nothing else. A check box that is not set has ""."""
    fields = ["ref", *(f"{what}-{one}" for one in members for what in ("at", "own"))]
    return {name: form.get(name, "").strip()[:_LONGEST] for name in fields}
