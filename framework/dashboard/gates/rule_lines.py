"""The rules of a gate as lines of a page, in the order in which they decide. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.dashboard.session import formatting
from framework.gates import switching
from framework.http_api.gates.gate_models import GateLead
from prevs import gate_rules, names
from prevs.gates import Condition, GateRecord, OnDelete, Revision, Rule, Sticky, Target

RuleKey = tuple[str, Condition | None]
"""The path and the condition of a rule: a gate has one rule of each."""


class ShownTarget(NamedTuple):
    """A target of a rule: its `title`, its weight in percent, and what it leads to, if known."""

    label: str
    title: str
    percent: str
    lead: GateLead | None = None


class Line(NamedTuple):
    """A rule as pages show it. `place` is that in its revision, `when` "" without a condition.

    `to` is where it leads. If that will change, `then` is where it will lead. `sticky` is what
    keeps a client at its target, "" where there is only one.
    """

    place: int
    rule: Rule
    when: str
    to: Sequence[ShownTarget]
    sticky: str = ""
    then: Sequence[ShownTarget] = ()

    @property
    def bar(self) -> Sequence[tuple[int, str, str]]:
        """Which part of a bar each target has, where it begins, and how wide it is, in percent."""
        ends, parts = 0.0, []
        for number, target in enumerate(self.to):
            parts.append((number, formatting.number(ends), target.percent))
            ends += float(target.percent)
        return parts


class Change(NamedTuple):
    """A rule that differs between two revisions; () for a revision without the rule."""

    path: str
    when: str
    before: Sequence[ShownTarget]
    after: Sequence[ShownTarget]
    sticky: str = ""


def list_lines(
    revision: Revision, latest: Revision, leads: Mapping[str, GateLead]
) -> Sequence[Line]:
    """Return the rules of a revision. `latest` is what waits to come into force, or the same."""
    coming = {_key(rule): rule for rule in latest.rules}
    lines = []
    for place, rule in sort(revision.rules):
        will = coming.get(_key(rule), rule)
        lines.append(
            Line(
                place=place,
                rule=rule,
                when=describe(rule.when),
                to=show_targets(rule.to, leads),
                sticky=_show_sticky(rule),
                then=() if will == rule else show_targets(will.to),
            )
        )
    return lines


def compare(before: Iterable[Rule], after: Iterable[Rule]) -> Sequence[Change]:
    """Return what differs between the rules of two revisions."""
    was, will = ({_key(rule): rule for rule in rules} for rules in (before, after))
    keys = {_key(rule) for _, rule in sort([*was.values(), *will.values()])}
    keys = {key for key in keys if was.get(key) != will.get(key)}
    changed = sort([will[key] if key in will else was[key] for key in keys])
    return [_show_change(was.get(_key(rule)), will.get(_key(rule))) for _, rule in changed]


def compare_settings(before: GateRecord, after: GateRecord) -> Sequence[str]:
    """Return the other differences between a gate now and after its change, as sentences."""
    told = _list_settings(before)
    return [sentence for sentence in _list_settings(after) if sentence not in told]


def sort(rules: Sequence[Rule]) -> Sequence[tuple[int, Rule]]:
    """Return rules with their places, in the order in which they decide.

    The deepest path comes first; of its rules, first the ones with conditions, then the rule
    without.
    """
    criteria = {path: gate_rules.list_criteria(rules, path) for path in {one.path for one in rules}}

    def rank(found: tuple[int, Rule]) -> tuple[int, str, int, str]:
        path, when = found[1].path, found[1].when
        depth, known = len(path.rstrip("/").split("/")), criteria[path]
        if when is None:
            return -depth, path, len(known), ""
        return -depth, path, known.index(when.criterion), when.value

    return sorted(enumerate(rules), key=rank)


def find_rule(revision: Revision, key: RuleKey) -> Rule | None:
    """Return the rule with a path and a condition; None without one."""
    return next((rule for rule in revision.rules if _key(rule) == key), None)


def show_targets(
    targets: Iterable[Target], leads: Mapping[str, GateLead] | None = None
) -> Sequence[ShownTarget]:
    """Return targets as pages show them; `leads` has what their labels lead to."""
    return [
        ShownTarget(
            one.label,
            title(one.label),
            formatting.number(one.percent),
            (leads or {}).get(one.label),
        )
        for one in targets
    ]


def title(label: str) -> str:
    """Return a label; a whole commit's id is cut."""
    return names.short(label) if names.is_sha(label) else label


def describe(when: Condition | None) -> str:
    """Return a condition in a few words: "header x-version is 2"; "" for none."""
    return switching.describe(when) if when else ""


def _show_change(was: Rule | None, will: Rule | None) -> Change:
    known = will or was
    if known is None:
        raise ValueError("no rule changes")
    before, after = (show_targets(rule.to) if rule else () for rule in (was, will))
    is_other = bool(was and will and was.sticky is not will.sticky)
    return Change(
        known.path, describe(known.when), before, after, _show_sticky(known) if is_other else ""
    )


def _show_sticky(rule: Rule) -> str:
    if len(rule.to) == 1:
        return ""
    return "its address" if rule.sticky is Sticky.ADDRESS else "a cookie"


def _list_settings(gate: GateRecord) -> Sequence[str]:
    kinds = ", ".join(kind.value for kind in gate.revision.override)
    hosts = ", ".join(gate.hosts)
    return [
        f"A request may name its label itself, by {kinds}."
        if kinds
        else "No request names its label itself.",
        "Unknown versions are refused (400)."
        if gate.revision.refuses_unknown
        else "For unknown versions the other rules decide.",
        f"More hosts: {hosts}." if hosts else "It has no more hosts.",
        "What it leads to keeps running."
        if gate.keep
        else "What it leads to stops without visitors.",
        "Clients of a deleted branch go to the default branch."
        if gate.on_delete is OnDelete.DEFAULT
        else "Clients of a deleted branch stay at its commit.",
    ]


def _key(rule: Rule) -> RuleKey:
    return rule.path, rule.when
