"""Sentences about gates, as functions of values."""

from collections.abc import Iterable, Sequence

from cli.client.generated.records import (
    Gate,
    GateCondition,
    GateLead,
    GateRule,
    GateTarget,
    TryAnswer,
)
from cli.display.sentences import counted
from cli.display.terminal import one_line
from prevs import names


def describe_removal(gate: Gate) -> str:
    """Return what goes with a gate: its addresses."""
    *before, last = [gate["url"], *gate["hosts"]]
    addresses = f"{', '.join(before)} and {last}" if before else last
    return f"Nothing answers at {addresses} any more. The previews stay."


def when(condition: GateCondition | None) -> str:
    """Return a condition as `--when` takes it: "header x-version=2"; "" for none."""
    if condition is None:
        return ""
    value = condition["is"]
    for kind in ("method", "accept", "header", "cookie", "query"):
        if name := condition[kind]:
            return f"{kind} {name}" + ("" if value is None else f"={value}")
    return ""


def targets(to: Sequence[GateTarget]) -> str:
    """Return where a rule leads: "main", "main 90 %, pr-7 10 %"."""
    if len(to) == 1:
        return shown_label(to[0]["label"])
    return ", ".join(f"{shown_label(one['label'])} {one['weight'] or 0:g} %" for one in to)


def shown_label(label: str) -> str:
    """Return a label; a whole commit's id is cut, as elsewhere."""
    return names.short(label) if names.is_sha(label) else label


def leads(rules: Iterable[GateRule]) -> str:
    """Return where each path leads, in a line: "/ to main, /v1 to v1"."""
    return ", ".join(f"{rule['path']}{_beside(rule)} to {targets(rule['to'])}" for rule in rules)


def _beside(rule: GateRule) -> str:
    found = when(rule["when"])
    return f" ({found})" if found else ""


def state(gate: Gate) -> str:
    """Return how a gate is: "in force", "waits", "has failed"."""
    proposal = gate["proposal"]
    if proposal is not None:
        number = proposal["revision"]
        return (
            f"revision {number} has failed" if proposal["failure"] else f"revision {number} waits"
        )
    behind, gone = gate["behind"], [one for one in gate["leads"] if one.get("gone_since")]
    if behind:
        return f"{behind} of the proxies behind"
    stays = f", {counted(gone, 'branch', 'branches')} gone" if gone else ""
    return ("in force" if behind == 0 else "in force, proxies not asked yet") + stays


def describe_stack(gate: Gate) -> str:
    """Return the stack that a gate follows from: "of the stack shop, with 2 variants", or ""."""
    stack, variants = gate.get("stack", ""), gate.get("variants", {})
    more = f", with {counted(variants, 'variant', 'variants')}" if variants else ""
    return f"of the stack {stack}{more}" if stack else ""


def lead(found: GateLead) -> str:
    """Return what a label leads to: "runs at 5c80e7d"."""
    if found.get("gone_since") is not None:
        return _gone(found)
    return _lead(found)


def _gone(found: GateLead) -> str:
    """Return where a label stays to which no branch leads any more."""
    if found["commit"] is None:
        return "no branch leads there any more, and nothing has run of it: 404"
    return f"its branch is gone, and it stays here: {_lead(found)}"


def _lead(found: GateLead) -> str:
    if found["commit"] is None:
        return "is started by its first request"
    at = names.short(found["commit"])
    place = found["queue_place"]
    queued = f", place {place} in the queue" if place else ""
    reason = one_line(found["reason"])
    return f"{found['state'] or 'not started'} ({at}){queued}" + (f": {reason}" if reason else "")


def outcome(answer: TryAnswer) -> str:
    """Return where a request goes."""
    label, status = answer["label"], answer["status"]
    if status is not None:
        return f"{status}"
    if label is None:
        return targets(answer["to"])
    at = f" ({names.short(answer['commit'])})" if answer["commit"] else ""
    return f"{shown_label(label)}{at}"
