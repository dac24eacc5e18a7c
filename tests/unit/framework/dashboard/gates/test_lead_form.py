"""The form of a rule, filled in as the rule is."""

import pytest
from hypothesis import given

from framework.dashboard.gates import lead_form
from framework.dashboard.gates.lead_form import Wanted
from framework.gates.switching import switch
from prevs.gates import Condition, ConditionKind, Rule, Target
from tests.fakes.random_gates import CONDITIONS, target_lists

LABELS = [letter * 63 for letter in "abc"]


@given(target_lists())
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(to: tuple[Target, ...]) -> None:
    rule = Rule("/v1", to)
    sent = lead_form.read(lead_form.fill(rule).values)
    assert isinstance(sent, Wanted)
    assert sent.shown == lead_form.spell(rule)
    rules: tuple[Rule, ...] = (rule,)
    for one in sent.switches:
        rules = switch(rules, one)
    assert rules == (rule,)


@given(CONDITIONS.filter(lambda when: when.value != "v|"))
def test_a_form_names_the_rule_by_its_condition(when: Condition) -> None:
    sent = lead_form.read(lead_form.fill(Rule("/", (Target("main"),), when)).values)
    assert isinstance(sent, Wanted)
    assert sent.rule == ("/", when)


@pytest.mark.parametrize("kind", [ConditionKind.HEADER, ConditionKind.QUERY])
def test_the_longest_rule_fits_into_a_form(kind: ConditionKind) -> None:
    weights = (3333, 3333, 3334)
    to = tuple(Target(label, lots) for label, lots in zip(LABELS, weights, strict=True))
    rule = Rule("/" + "p" * 199, to, Condition(kind, "v" * 200, "n" * 64))
    sent = lead_form.read(lead_form.fill(rule).values)
    assert isinstance(sent, Wanted)
    assert (sent.rule, sent.shown) == ((rule.path, rule.when), lead_form.spell(rule))
