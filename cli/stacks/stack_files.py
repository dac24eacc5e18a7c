"""What people write about stacks: a file with all members, and the words of options."""

from collections.abc import Sequence
from typing import Any

import click

from cli.names.arguments import read_pairs
from cli.names.files import read_fields, with_label
from prevs import names

Order = dict[str, object]

_SHOWN = frozenset({"name", "url", "variants", "created", "changed", "by"})
_SHOWN_OF_MEMBER = frozenset({"member", "gate", "url", "variable"})
"""What `prevs stack show --json` has beside what may be written."""
_ALL = "all"


def read_order(text: str) -> Order:
    """Return the order for a stack that a file in TOML or JSON describes.

    Its members may be a list, as in the JSON of `prevs stack show`, and their labels the names of
    branches.
    """
    order: Order = {name: one for name, one in read_fields(text).items() if name not in _SHOWN}
    members = order.get("members")
    members = _read_members(members) if isinstance(members, list) else members
    if isinstance(members, dict):
        order["members"] = {name: with_label(one) for name, one in members.items()}
    return order


def read_variant(ref: str, at: Sequence[str], own: Sequence[str]) -> Order:
    """Return the order for a variant from options."""
    labels = read_pairs("--at", at, "MEMBER=LABEL")
    if len(labels) < len(at):
        raise click.UsageError("--at names a member twice. Give each one label.")
    return {
        "ref": ref,
        "labels": {member: names.slug(label) for member, label in labels.items()},
        "own": [_ALL] if _ALL in own else list(dict.fromkeys(own)),
    }


def _read_members(listed: Sequence[Any]) -> Order:
    known = [one.get("member") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(name, str) for name in known):
        raise click.UsageError("Each of a list of `members` in FILE must have `member`, its name.")
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise click.UsageError(f"FILE has the member {twice!r} twice.")
    return {
        one["member"]: {key: value for key, value in one.items() if key not in _SHOWN_OF_MEMBER}
        for one in listed
    }
