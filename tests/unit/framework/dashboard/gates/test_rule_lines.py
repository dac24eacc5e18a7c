"""The rules of a gate in the order in which they decide, and what differs between two revisions."""

import dataclasses

from hypothesis import given

from framework.dashboard.gates import rule_lines
from framework.dashboard.gates.rule_lines import compare, compare_settings, list_lines
from framework.http_api.gates.gate_models import GateLead
from prevs.gate_rules import Choice, Request, choose, find_path
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Revision,
    Rule,
    Sticky,
    Target,
)
from tests.fakes.random_gates import REQUESTS, REVISIONS

A = "a" * 40
HEADER = Condition(ConditionKind.HEADER, "2", "x-version")
MAIN, V1 = Target("main"), Target("v1")
SPLIT = (Target("main", 8766), Target(A, 1234))


@given(REVISIONS, REQUESTS)
def test_the_first_rule_that_may_decide_does(revision: Revision, request: Request) -> None:
    chosen = choose(revision, request)
    if not isinstance(chosen, Choice) or chosen.rule is None:
        return
    path = find_path(revision.rules, request.path)
    may = [
        (place, rule)
        for place, rule in rule_lines.sort(revision.rules)
        if rule.path == path or (rule.when is None and find_path([rule], request.path))
    ]
    before = may[: [place for place, _ in may].index(chosen.rule)]
    alone = [dataclasses.replace(revision, rules=(rule,)) for _, rule in before]
    # Each rule before it has a condition that does not hold: by itself it leads nowhere.
    assert not any(isinstance(choose(one, request), Choice) for one in alone)


def test_a_line_has_shares_and_where_they_will_lead() -> None:
    lead = GateLead(
        label=A,
        commit=A,
        state=None,
        reason="",
        queue_place=None,
        url="http://a/",
        gone_since=None,
    )
    rules = (Rule("/", SPLIT, None, Sticky.COOKIE), Rule("/v1", (V1,), HEADER))
    later = Revision(2, (rules[0], Rule("/v1", (MAIN,), HEADER)))
    first, second = list_lines(Revision(1, rules), later, {A: lead})
    assert (first.place, first.when, first.then[0].title) == (1, "header x-version is 2", "main")
    assert first.sticky == ""
    assert [(one.title, one.percent, one.lead) for one in second.to] == [
        ("main", "87.66", None),
        ("a" * 7, "12.34", lead),
    ]
    assert second.bar == [(0, "0", "87.66"), (1, "87.66", "12.34")]
    assert (second.sticky, second.then) == ("a cookie", ())


def test_what_differs_is_told_rule_by_rule() -> None:
    before = [Rule("/", SPLIT), Rule("/gone", (V1,)), Rule("/same", (MAIN,))]
    after = [
        Rule("/same", (MAIN,)),
        Rule("/", SPLIT, None, Sticky.COOKIE),
        Rule("/new", (V1,), HEADER),
    ]
    found = {one.path: one for one in compare(before, after)}
    assert list(found) == ["/gone", "/new", "/"]
    assert (found["/gone"].before[0].title, found["/gone"].after) == ("v1", ())
    assert (found["/new"].before, found["/new"].when) == ((), "header x-version is 2")
    assert found["/"].sticky == "a cookie"


def test_other_settings_that_differ_are_told_too() -> None:
    before = GateRecord("api", "hello", Revision(1, ()))
    then = Revision(2, (), (Override.HEADER, Override.QUERY), refuses_unknown=True)
    after = GateRecord("api", "hello", then, hosts=("api.example.com",), keep=True)
    assert compare_settings(before, before) == []
    assert compare_settings(before, after) == [
        "A request may name its label itself, by header, query.",
        "Unknown versions are refused (400).",
        "More hosts: api.example.com.",
        "What it leads to keeps running.",
    ]
