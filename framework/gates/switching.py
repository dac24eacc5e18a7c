"""One rule of a gate that leads elsewhere, or to what it led to in an earlier revision. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.errors import InvalidSettings, Problem
from framework.gates import conditions
from framework.gates.errors import UnknownRule, WeightRefused
from framework.gates.rules import (
    MOST_TARGETS,
    find_label_problem,
    find_weight_problem,
    make_target,
    read_path,
)
from framework.gates.written_rule import WrittenCondition, WrittenTarget
from prevs.gates import LOTS, Condition, Rule, Target


class Switch(NamedTuple):
    """What somebody wants of the rule with that `path` and `when`.

    `label` becomes its only target, or, with `weight` (of 100), a target beside the present ones,
    of which the first takes the rest.
    """

    path: str
    label: str
    when: WrittenCondition | None = None
    weight: float | None = None


def switch(rules: Sequence[Rule], wanted: Switch) -> tuple[Rule, ...]:
    """Return the rules with one of them switched."""
    if problem := wanted.when and conditions.find_problem(wanted.when):
        raise InvalidSettings([Problem("when", problem)])
    if problem := find_label_problem(wanted.label):
        raise InvalidSettings([Problem("label", problem)])
    place = _find_place(rules, wanted)
    rule = rules[place]
    switched = dataclasses.replace(rule, to=_switch_targets(rule.to, wanted))
    return (*rules[:place], switched, *rules[place + 1 :])


def find_leading(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the labels to which any request may be led, in the order of the rules."""
    labels = (target.label for rule in rules for target in rule.to if target.weight)
    return tuple(dict.fromkeys(labels))


def find_changed(rules: Iterable[Rule], before: Iterable[Rule]) -> tuple[str, ...]:
    """Return the labels to which a rule may lead that is not among those before."""
    known = set(before)
    return find_leading(rule for rule in rules if rule not in known)


def pin(rules: Iterable[Rule], commits: Mapping[str, str], now: Mapping[str, str]) -> list[Rule]:
    """Return rules that lead to `commits`, by label.

    A label stays if it leads to its commit `now`, or if its commit is not known; else the commit's
    id takes its place.
    """
    instead = {label: sha for label, sha in commits.items() if now.get(label) != sha}

    def pin_target(target: Target) -> Target:
        return dataclasses.replace(target, label=instead.get(target.label, target.label))

    return [dataclasses.replace(rule, to=tuple(map(pin_target, rule.to))) for rule in rules]


def _find_place(rules: Sequence[Rule], wanted: Switch) -> int:
    path = read_path(wanted.path)
    when = None if wanted.when is None else conditions.make_condition(wanted.when)
    places = [n for n, rule in enumerate(rules) if (rule.path, rule.when) == (path, when)]
    if places:
        return places[0]
    if not any(rule.path == path for rule in rules):
        known = ", ".join(dict.fromkeys(rule.path for rule in rules)) or "none"
        raise UnknownRule(f"the path {path}", known)
    of_path = [describe(rule.when) for rule in rules if rule.path == path]
    raise UnknownRule(f"{path} with {describe(when)}", ", ".join(of_path))


def describe(when: Condition | None) -> str:
    """Return a condition in a few words: "header x-version is 2"."""
    if when is None:
        return "one without a condition"
    return " ".join(filter(None, [when.kind.value, when.name, "is", when.value]))


def _switch_targets(targets: Sequence[Target], wanted: Switch) -> tuple[Target, ...]:
    if wanted.weight is None:
        return (Target(wanted.label),)
    written = WrittenTarget(wanted.label, wanted.weight)
    if problem := find_weight_problem(written, alone=False):
        raise InvalidSettings([Problem("weight", problem)])
    first, *others = targets
    if wanted.label == first.label:
        raise WeightRefused(first.label, "takes the rest, so it has no weight")
    lots = make_target(written).weight
    weights = {one.label: one.weight for one in others} | {wanted.label: lots}
    if len(weights) >= MOST_TARGETS:
        raise WeightRefused(wanted.label, f"would be one more than a rule's {MOST_TARGETS} targets")
    left = LOTS - sum(weights.values())
    if left < 0:
        most = (left + lots) * 100 / LOTS
        raise WeightRefused(wanted.label, f"may have {most:g} at most: other targets have the rest")
    made = (Target(label, weight) for label, weight in weights.items())
    return (dataclasses.replace(first, weight=left), *made)
