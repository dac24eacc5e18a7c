"""What people write about gates: a file with all rules, and the words of options."""

import re
from collections.abc import Mapping
from typing import Any

import click

from cli.names.files import read_fields, with_label
from prevs.gate_rules import read_query
from prevs.gates import NAMED, ConditionKind

Order = dict[str, object]

_SHOWN = frozenset(
    {
        "name",
        "url",
        "revision",
        "changed",
        "by",
        "created",
        "behind",
        "stack",
        "variants",
        "leads",
        "proposal",
        "earlier",
    }
)
"""What `prevs gate show --json` has beside what may be written."""
_KINDS = [kind.value for kind in ConditionKind]
_NAMED = [kind.value for kind in NAMED]
_SITE = re.compile(r"^https?://[^/?]*")
_WHEN = re.compile(rf"({'|'.join(_KINDS)})[ :]\s*([^\s=]+)(?:=(.*))?", re.ASCII)


def read_order(text: str) -> tuple[Order, int | None]:
    """Return the order for a gate that a file in TOML or JSON describes, and its revision.

    The latter is the one that a file with `revision` was made from, as from `show`; None without.
    A target may be written as its label alone, and a label as the name of its branch. Raises
    click.UsageError if it is neither form.
    """
    found = read_fields(text)
    order: Order = {name: value for name, value in found.items() if name not in _SHOWN}
    if isinstance(rules := order.get("rules"), list):
        order["rules"] = [_read_rule(rule) for rule in rules]
    return order, _read_seen(found)


def read_condition(text: str) -> Order:
    """Return the condition that an option names: "header X-Version=2"."""
    found = _WHEN.fullmatch(text.strip())
    kind, name, value = found.groups() if found else ("", "", None)
    if not found or (kind in _NAMED) != (value is not None):
        raise click.UsageError(
            f"--when {text!r} is no condition. Write: method POST, accept shop.v2+json, "
            "header X-Version=2, cookie beta=1, or query v=2."
        )
    return {kind: name, "is": value} if kind in _NAMED else {kind: name}


def read_path(text: str) -> tuple[str, Mapping[str, str]]:
    """Return the path and the query of a request's path, or of its whole URL.

    Nothing is decoded, as HAProxy compares it as it is sent: `//v1` is a path, and no host.
    """
    sent = _SITE.sub("", text.partition("#")[0])
    path, _, query = sent.partition("?")
    return path or "/", read_query(query)


def _read_seen(found: Mapping[str, Any]) -> int | None:
    """Return the revision that was written last when a gate was shown."""
    proposal = found.get("proposal")
    seen = (proposal if isinstance(proposal, dict) else found).get("revision")
    if seen is not None and type(seen) is not int:
        raise click.UsageError("`revision` in FILE must be a number, or be left out.")
    return seen


def _read_rule(rule: Any) -> Any:
    if not isinstance(rule, dict):
        return rule
    to = rule.get("to")
    targets = to if isinstance(to, list) else [to]
    given = [with_label({"label": one} if isinstance(one, str) else one) for one in targets]
    return {**rule, "to": given} if "to" in rule else rule
