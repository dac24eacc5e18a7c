"""One rule of a gate that leads elsewhere, and rules that lead to commits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import FrameworkError, InvalidSettings
from framework.gates.errors import UnknownRule, WeightRefused
from framework.gates.switching import Switch, find_changed, pin, switch
from framework.gates.written_rule import WrittenCondition
from prevs.gate_rules import find_target
from prevs.gates import LOTS, Condition, ConditionKind, Rule, Target

V2 = Condition(ConditionKind.HEADER, "2", "x-version")
RULES = (
    Rule("/v1", (Target("v1"),)),
    Rule("/v1", (Target("v2"),), V2),
    Rule("/", (Target("main", 9000), Target("pr-7", 1000))),
)
A, B = "a" * 40, "b" * 40


def test_a_switched_rule_leads_to_one_label_and_the_others_stay() -> None:
    switched = switch(RULES, Switch("/v1/", "main"))
    assert switched == (Rule("/v1", (Target("main"),)), *RULES[1:])
    assert find_changed(switched, RULES) == ("main",)


def test_a_rule_is_named_by_its_path_and_its_condition() -> None:
    when = WrittenCondition(header="X-Version", value="2")
    switched = switch(RULES, Switch("/v1", "main", when))
    assert switched == (RULES[0], Rule("/v1", (Target("main"),), V2), RULES[2])


def test_with_a_weight_the_other_targets_stay_and_the_first_takes_the_rest() -> None:
    more = switch(RULES, Switch("/", "pr-7", weight=30))
    assert more[2].to == (Target("main", 7000), Target("pr-7", 3000))
    third = switch(more, Switch("/", "pr-8", weight=0.5))
    assert third[2].to == (Target("main", 6950), Target("pr-7", 3000), Target("pr-8", 50))
    assert find_changed(switch(RULES, Switch("/", "pr-7", weight=0)), RULES) == ("main",)


@pytest.mark.parametrize(
    ("wanted", "error", "wrong"),
    [
        (Switch("/v2", "main"), UnknownRule, "no rule of the path /v2. It has: /v1, /."),
        (
            Switch("/v1", "main", WrittenCondition(header="x-version", value="3")),
            UnknownRule,
            "no rule of /v1 with header x-version is 3. It has: one without a condition, "
            "header x-version is 2.",
        ),
        (
            Switch("/", "main", WrittenCondition(header="x")),
            InvalidSettings,
            "when: needs the value",
        ),
        (Switch("/", "Main"), InvalidSettings, "label: must be a label"),
        (Switch("/", "main", weight=10), WeightRefused, "takes the rest"),
        (Switch("/", "pr-8", weight=100), WeightRefused, "may have 90 at most"),
        (Switch("/", "pr-8", weight=0.001), InvalidSettings, "weight: may have two decimals"),
    ],
)
def test_what_cannot_be_switched_is_told(
    wanted: Switch, error: type[FrameworkError], wrong: str
) -> None:
    with pytest.raises(error) as caught:
        switch(RULES, wanted)
    assert wrong in str(caught.value)


def test_a_fourth_target_is_refused() -> None:
    three = switch(RULES, Switch("/", "pr-8", weight=1))
    with pytest.raises(WeightRefused, match="one more than a rule's 3 targets"):
        switch(three, Switch("/", "pr-9", weight=1))


@given(st.integers(0, LOTS), st.integers(0, LOTS))
def test_a_raised_weight_moves_nobody_out_of_the_target(one: int, other: int) -> None:
    low, high = sorted((one, other))
    rules = (Rule("/", (Target("main"),)),)
    before = switch(rules, Switch("/", "pr-7", weight=low / 100))
    after = switch(before, Switch("/", "pr-7", weight=high / 100))
    lots = {0, low - 1, low, high - 1, high, LOTS - 1} & set(range(LOTS))
    moved = {
        lot
        for lot in lots
        if find_target(before[0].to, lot).label != find_target(after[0].to, lot).label
    }
    assert moved <= set(range(low, high))


def test_pinned_rules_lead_to_their_commits_and_keep_the_labels_that_still_do() -> None:
    pinned = pin(RULES, {"v1": A, "v2": A, "main": A, "pr-7": A}, {"v1": A, "v2": B, "main": B})
    assert [[target.label for target in rule.to] for rule in pinned] == [["v1"], [A], [A, A]]
    assert pin(RULES, {}, {"main": B}) == list(RULES)
