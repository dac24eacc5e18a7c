"""What is wrong with rules: with each by itself, and between them. Pure."""

import re
import string
from collections.abc import Iterator, Mapping, Sequence

from framework.errors import Problem
from framework.gates import conditions
from framework.gates.written_rule import WrittenRule, WrittenTarget
from prevs.gate_rules import find_default, list_criteria
from prevs.gates import LOTS, Rule, Sticky, Target
from prevs.names import is_label

MOST_TARGETS = 3
"""The first one takes the rest, the others grow from the two ends of the lots."""
MOST_CRITERIA = 4
"""Different questions on one path; each may have many values, a rule for each."""
LONGEST_PATH = 200
_PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*", re.ASCII)
"""As clients send it (RFC 3986, 3.3), but no semicolon, which HAProxy's commands end with."""
_ENCODED = re.compile(r"%([0-9A-F]{2})", re.ASCII)
_UNRESERVED = frozenset(f"{string.ascii_letters}{string.digits}-._~")
_RESERVED = "/_prevs"
_SHOWN = 60
"""How many characters of a wrong word are repeated."""


def make_rule(written: WrittenRule) -> Rule:
    """Return the record of a rule without a mistake."""
    return Rule(
        path=read_path(written.path),
        to=tuple(map(make_target, written.to)),
        when=None if written.when is None else conditions.make_condition(written.when),
        sticky=Sticky(written.sticky),
    )


def make_target(written: WrittenTarget) -> Target:
    """Return the record of a target without a mistake."""
    if written.weight is None:
        return Target(written.label)
    return Target(written.label, round(written.weight * LOTS / 100))


def read_path(path: str) -> str:
    """Return a path as the record has it: /v1/ is /v1."""
    return path.rstrip("/") or "/"


def find_problems(field: str, rule: WrittenRule) -> Iterator[Problem]:
    """Yield what is wrong with a rule by itself; `field` is its name."""
    if problem := _find_path_problem(rule.path):
        yield Problem(f"{field}.path", problem)
    if rule.when is not None and (problem := conditions.find_problem(rule.when)):
        yield Problem(f"{field}.when", problem)
    known = [one.value for one in Sticky]
    if rule.sticky not in known:
        yield Problem(
            f"{field}.sticky", f"must be {', '.join(known)}, not {rule.sticky[:_SHOWN]!r}"
        )
    yield from _find_targets_problems(f"{field}.to", rule.to)


def find_problems_between(written: Sequence[WrittenRule]) -> Iterator[Problem]:
    """Yield what is wrong between the rules that are right by themselves."""
    right = {
        place: make_rule(rule)
        for place, rule in enumerate(written)
        if not any(find_problems("", rule))
    }
    yield from _find_conflicts(right)
    rules = list(right.values())
    places = {rule.path: place for place, rule in reversed(right.items())}
    for path, place in reversed(places.items()):
        if len(criteria := list_criteria(rules, path)) > MOST_CRITERIA:
            wrong = f"has rules with {len(criteria)} different questions, and may have"
            yield Problem(f"rules[{place}].path", f"{wrong} {MOST_CRITERIA}")
        if len(right) == len(written) and find_default(rules, path) is None:
            wrong = "has only rules with `when`, and so have the paths above it. Add one without."
            yield Problem(f"rules[{place}].path", wrong)


def find_label_problem(label: str) -> str | None:
    """Return what is wrong with a label; None if nothing is."""
    return None if is_label(label) else "must be a label, as in an address: main"


def find_weight_problem(target: WrittenTarget, *, alone: bool) -> str | None:
    """Return what is wrong with a target's weight; None if nothing is. `alone` it needs none."""
    if target.weight is None:
        return None if alone else "is missing. Write how many of 100 requests go there."
    if not 0 <= target.weight <= 100:
        return f"must be from 0 to 100, not {target.weight:g}"
    lots = target.weight * LOTS / 100
    return None if abs(lots - round(lots)) < 1e-6 else "may have two decimals"


def _find_conflicts(rules: Mapping[int, Rule]) -> Iterator[Problem]:
    first: dict[object, int] = {}
    for place, rule in rules.items():
        before = first.setdefault((rule.path, rule.when), place)
        if before != place:
            field = "path" if rule.when is None else "when"
            wrong = f"is the same as in rules[{before}], so it never decides. Remove one of them."
            yield Problem(f"rules[{place}].{field}", wrong)


def _find_path_problem(path: str) -> str | None:
    if len(path) > LONGEST_PATH or not _PATH.fullmatch(path):
        return (
            f"must begin with /, and have up to {LONGEST_PATH} characters as they are sent: "
            "letters, digits and .-_~!$&'()*+,=:@, and others as %C3%A9"
        )
    segments = read_path(path)[1:].split("/")
    if "//" in path or {".", ".."} & set(segments):
        return "cannot have //, /./ or /../. Clients hardly send them."
    if plain := [one for one in _ENCODED.findall(path) if chr(int(one, 16)) in _UNRESERVED]:
        return f"has %{plain[0]}, which clients send as {chr(int(plain[0], 16))}. Write that."
    if f"{path}/".startswith(f"{_RESERVED}/"):
        return f"cannot be below {_RESERVED}, which is prevs's own at every address"
    return None


def _find_targets_problems(field: str, targets: Sequence[WrittenTarget]) -> Iterator[Problem]:
    if not 1 <= len(targets) <= MOST_TARGETS:
        yield Problem(field, f"must be 1 to {MOST_TARGETS} targets, not {len(targets)}")
        return
    labels = [target.label for target in targets]
    for place, target in enumerate(targets):
        if wrong := find_label_problem(target.label):
            yield Problem(f"{field}[{place}].label", wrong)
        elif target.label in labels[:place]:
            yield Problem(f"{field}[{place}].label", "is there twice")
        if problem := find_weight_problem(target, alone=len(targets) == 1):
            yield Problem(f"{field}[{place}].weight", problem)
            return
    total = sum(make_target(target).weight for target in targets)
    if total != LOTS:
        wrong = f"must have weights that make 100 together, not {total * 100 / LOTS:g}"
        yield Problem(field, wrong)
