"""The form that lets a rule of a gate lead elsewhere, as people fill it in. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from framework.dashboard.gates.rule_lines import RuleKey
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.session import formatting
from framework.errors import Conflict, NotFound, RepositoryUnreachable, Unavailable
from framework.gates import conditions, rules
from framework.gates.rules import MOST_TARGETS
from framework.gates.switching import Switch
from framework.gates.written_rule import WrittenCondition, WrittenRule, WrittenTarget
from prevs.gates import ConditionKind, Rule

REFUSALS = (Conflict, NotFound, RepositoryUnreachable, Unavailable)
"""The errors after which somebody may change the form, or send it again."""
SLOTS = range(MOST_TARGETS)
_OF_TARGET = ("label", "weight")
_LONGEST = 256
"""Characters of a value; three labels with their lots have 209."""


class Wanted(NamedTuple):
    """Where a rule is to lead: to its first target alone, and then to the others by weight.

    `shown` are the targets that it had in the form.
    """

    rule: RuleKey
    switches: Sequence[Switch]
    shown: str


def fill(rule: Rule) -> Filled:
    """Return the form of a rule as it is."""
    values = {
        "path": rule.path,
        "kind": rule.when.kind.value if rule.when else "",
        "name": rule.when.name if rule.when else "",
        "value": rule.when.value if rule.when else "",
        "was": spell(rule),
    }
    for slot, target in enumerate(rule.to):
        values |= {
            f"label{slot}": target.label,
            f"weight{slot}": formatting.number(target.percent),
        }
    return Filled(values)


def spell(rule: Rule) -> str:
    """Return where a rule leads, as a form notes what it has shown."""
    return " ".join(f"{target.label}={target.weight}" for target in rule.to)


def read(form: Mapping[str, str]) -> Wanted | Filled:
    """Return where a form lets its rule lead, or the form with what is wrong with it."""
    values = keep(form)
    filled = [slot for slot in SLOTS if values[f"label{slot}"]]
    targets = [
        WrittenTarget(values[f"label{slot}"], _read_number(values[f"weight{slot}"]))
        for slot in filled
    ]
    when = _read_condition(values)
    rule = WrittenRule(values["path"], targets, when)
    problems = dict(_find_unread(values, filled)) or dict(_find_problems(rule, filled))
    if problems:
        return Filled(values, problems)
    first, *others = targets
    switches = [Switch(rule.path, first.label, when)]
    switches += [Switch(rule.path, one.label, when, one.weight) for one in others]
    condition = None if when is None else conditions.make_condition(when)
    return Wanted((rule.path, condition), switches, values["was"])


def keep(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of a form, and nothing else."""
    fields = ["path", "kind", "name", "value", "was"]
    fields += [f"{what}{slot}" for slot in SLOTS for what in _OF_TARGET]
    return {name: form.get(name, "").strip()[:_LONGEST] for name in fields}


def _find_unread(values: Mapping[str, str], filled: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Yield what cannot be read, by field."""
    if not filled:
        yield "label0", "is missing. Write where the rule is to lead."
    for slot in SLOTS:
        text = values[f"weight{slot}"]
        if text and _read_number(text) is None:
            yield f"weight{slot}", "must be a number: 10, or 2.5"
        elif slot not in filled and _read_number(text):
            yield f"label{slot}", "is missing. Write it, or leave out the weight."


def _find_problems(rule: WrittenRule, filled: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, by field; "" is none of them."""
    fields = {
        f"rule.to[{number}].{what}": f"{what}{slot}"
        for number, slot in enumerate(filled)
        for what in _OF_TARGET
    }
    for problem in rules.find_problems("rule", rule):
        if field := fields.get(problem.field):
            yield field, problem.message
        else:
            yield "", f"The rule {problem.message}."


def _read_condition(values: Mapping[str, str]) -> WrittenCondition | None:
    kinds = [kind.value for kind in ConditionKind]
    kind, name, value = (values[field] for field in ("kind", "name", "value"))
    if not kind:
        return None
    if kind not in kinds:
        return WrittenCondition()
    return WrittenCondition(**{kind: name or value, "value": value if name else ""})


def _read_number(text: str) -> float | None:
    """Return a number; None for nothing, and for what is none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
