"""Which label a request to a gate leads to, and why."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs.gate_rules import (
    Choice,
    Refusal,
    RefusalCause,
    Request,
    Step,
    choose,
    find_default,
    find_target,
)
from prevs.gates import (
    LOTS,
    Condition,
    ConditionKind,
    Criterion,
    Override,
    Revision,
    Rule,
    Sticky,
    Target,
)

METHOD, ACCEPT, HEADER, COOKIE, QUERY = ConditionKind
CANARY = (Target("main", 9000), Target("pr-7", 1000))


def rule(path: str, label: str, when: Condition | None = None) -> Rule:
    return Rule(path, (Target(label),), when)


def ask(path: str = "/", method: str = "GET", **more: Any) -> Request:
    return Request(method, path, **more)


def choice(revision: Revision, request: Request) -> tuple[str, Step, int | None]:
    found = choose(revision, request)
    assert isinstance(found, Choice)
    return found[:3]


def refusal(revision: Revision, request: Request) -> Refusal:
    found = choose(revision, request)
    assert isinstance(found, Refusal)
    return found


PATHS = Revision(1, (rule("/", "root"), rule("/v1", "v1"), rule("/v1/a", "a"), rule("/v10", "v10")))


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "root"),
        ("/v1", "v1"),
        ("/v1/", "v1"),
        ("/v1/b", "v1"),
        ("/v1/ab", "v1"),
        ("/v1/a", "a"),
        ("/v1/a/b", "a"),
        ("/v10", "v10"),
        ("/v100", "root"),
        ("/v", "root"),
        # As it is sent, byte by byte: an application gets the same.
        ("/V1", "root"),
        ("//v1", "root"),
        ("/%761", "root"),
        ("/v1//a", "v1"),
        ("/v1%2Fa", "root"),
        ("/v1/../v10", "v1"),
        ("/v1/%2e%2e/v10", "v1"),
        ("/./v1", "root"),
        ("*", "root"),
        ("", "root"),
    ],
)
def test_the_longest_path_decides_and_ends_at_a_segment(path: str, label: str) -> None:
    assert choice(PATHS, ask(path))[0] == label


def test_without_a_rule_for_all_paths_the_others_lead_nowhere() -> None:
    revision = Revision(1, (rule("/v1", "v1"),))
    assert choice(revision, ask("/v1"))[0] == "v1"
    for path in ("/", "/v10", "*"):
        found = refusal(revision, ask(path))
        assert (found.cause, found.value, found.status) == (RefusalCause.NO_RULE, path, 404)


EACH = {
    METHOD: ask(method="POST"),
    ACCEPT: ask(headers={"accept": "text/html, Application/VND.shop.v2+JSON;q=1, vnd.other"}),
    HEADER: ask(headers={"x-version": "2"}),
    COOKIE: ask(cookies={"tester": "2"}),
    QUERY: ask(query={"version": "2"}),
}
CONDITIONS = {
    METHOD: Condition(METHOD, "POST"),
    ACCEPT: Condition(ACCEPT, "shop.v2+json"),
    HEADER: Condition(HEADER, "2", "x-version"),
    COOKIE: Condition(COOKIE, "2", "tester"),
    QUERY: Condition(QUERY, "2", "version"),
}
ALL = Revision(
    1, (rule("/", "default"), *(rule("/", one.kind.value, one) for one in CONDITIONS.values()))
)


@pytest.mark.parametrize("kind", ConditionKind)
def test_a_condition_holds_if_the_request_has_exactly_its_value(kind: ConditionKind) -> None:
    place = 1 + list(ConditionKind).index(kind)
    assert choice(ALL, EACH[kind]) == (kind.value, Step.CONDITION, place)


@pytest.mark.parametrize(
    "request_",
    [
        ask(),
        ask(method="post"),
        ask(headers={"accept": "shop.v2+json"}),
        ask(headers={"accept": "application/vnd.shop.v2"}),
        ask(headers={"accept": "application/vnd."}),
        ask(headers={"x-version": "2.0"}),
        ask(headers={"x-version": ""}),
        ask(cookies={"Tester": "2"}),
        ask(query={"version": "%32"}),
    ],
)
def test_any_other_value_leads_to_the_rule_without_a_condition(request_: Request) -> None:
    assert choice(ALL, request_) == ("default", Step.DEFAULT, 0)


@pytest.mark.parametrize("place", range(len(ConditionKind) - 1))
def test_of_several_conditions_that_hold_the_kind_decides(place: int) -> None:
    kinds = list(ConditionKind)[place:]

    def merge(field: str) -> Mapping[str, str]:
        return {k: v for kind in kinds for k, v in getattr(EACH[kind], field).items()}

    both = Request(EACH[kinds[0]].method, "/", merge("headers"), merge("cookies"), merge("query"))
    assert choice(ALL, both)[0] == kinds[0].value


def test_of_one_kind_the_name_decides_however_they_are_written() -> None:
    rules = (
        rule("/", "default"),
        rule("/", "b", Condition(HEADER, "1", "x-b")),
        rule("/", "a", Condition(HEADER, "1", "x-a")),
    )
    assert choice(Revision(1, rules), ask(headers={"x-a": "1", "x-b": "1"}))[0] == "a"
    assert choice(Revision(1, rules), ask(headers={"x-a": "2", "x-b": "1"}))[0] == "b"


def test_a_longer_path_comes_before_any_condition() -> None:
    revision = Revision(1, (rule("/", "post", CONDITIONS[METHOD]), rule("/v1", "v1")))
    assert choice(revision, ask("/v1", "POST"))[0] == "v1"


def test_a_path_without_a_rule_of_its_own_has_that_of_the_nearest_above() -> None:
    rules = (
        rule("/", "root"),
        rule("/a", "root-of-a"),
        rule("/a", "post", CONDITIONS[METHOD]),
        rule("/a/b/c", "two", CONDITIONS[HEADER]),
    )
    revision = Revision(1, rules)
    assert choice(revision, ask("/a/b/c/d")) == ("root-of-a", Step.DEFAULT, 1)
    # The conditions there do not come along.
    assert choice(revision, ask("/a/b/c/d", "POST")) == ("root-of-a", Step.DEFAULT, 1)
    assert find_default(rules[2:], "/a/b/c") is None
    assert refusal(Revision(1, rules[2:]), ask("/a/b/c")).cause is RefusalCause.NO_RULE


def test_an_unknown_version_is_refused_only_where_it_is_asked_for() -> None:
    strict = Revision(
        1,
        (
            rule("/", "default"),
            rule("/", "two", CONDITIONS[HEADER]),
            rule("/", "accepted", CONDITIONS[ACCEPT]),
            rule("/", "posted", CONDITIONS[METHOD]),
            rule("/", "tester", CONDITIONS[COOKIE]),
            rule("/free", "free"),
        ),
        refuses_unknown=True,
    )
    found = refusal(strict, ask(headers={"x-version": "3"}))
    assert (found.cause, found.status) == (RefusalCause.UNKNOWN_VERSION, 400)
    assert (found.criterion, found.value) == (Criterion(HEADER, "x-version"), "3")
    assert refusal(strict, ask(headers={"accept": "application/vnd.x", "x-version": "3"})) == (
        RefusalCause.UNKNOWN_VERSION,
        ("accept", "cookie", "x-version"),
        "x",
        Criterion(ACCEPT),
    )
    # None, a known one beside it, another path, a browser, and what is no version.
    assert choice(strict, ask())[0] == "default"
    accepted = {"accept": "application/vnd.shop.v2+json", "x-version": "3"}
    assert choice(strict, ask(headers=accepted))[0] == "accepted"
    assert choice(strict, ask("/free", headers={"x-version": "3"}))[0] == "free"
    assert choice(strict, ask(headers={"accept": "text/html,*/*"}))[0] == "default"
    assert choice(strict, ask(method="PUT", cookies={"tester": "3"}))[0] == "default"


HERE = {
    Override.HEADER: ask(headers={"x-prevs-ref": "by-header"}),
    Override.QUERY: ask(query={"prevs-ref": "by-query"}),
    Override.COOKIE: ask(cookies={"prevs-ref": "by-cookie"}),
}
EVERYWHERE = ask(
    headers={"x-prevs-ref": "by-header"},
    query={"prevs-ref": "by-query"},
    cookies={"prevs-ref": "by-cookie"},
)


@pytest.mark.parametrize("kind", Override)
def test_an_override_decides_if_the_gate_allows_its_kind(kind: Override) -> None:
    allowed = Revision(1, PATHS.rules, override=(kind,))
    assert choice(allowed, EVERYWHERE) == (f"by-{kind.value}", Step.OVERRIDE, None)
    for other in set(Override) - {kind}:
        assert choice(allowed, HERE[other])[0] == "root"


def test_of_overrides_the_one_that_was_made_for_this_request_decides() -> None:
    allowed = Revision(1, PATHS.rules, override=tuple(reversed(Override)))
    assert choice(allowed, EVERYWHERE)[0] == "by-header"
    assert choice(allowed, EVERYWHERE._replace(headers={}))[0] == "by-query"
    assert choice(allowed, EVERYWHERE._replace(headers={"x-prevs-ref": ""}))[0] == "by-query"


def test_an_override_needs_no_rule_but_a_label() -> None:
    allowed = Revision(1, (rule("/v1", "v1"),), override=(Override.HEADER,))
    assert choice(allowed, ask("/", headers={"x-prevs-ref": "pr-7"}))[0] == "pr-7"
    found = refusal(allowed, ask("/v1", headers={"x-prevs-ref": "feature/x"}))
    assert (found.cause, found.value) == (RefusalCause.INVALID_OVERRIDE, "feature/x")
    assert found.status == 400


@pytest.mark.parametrize(
    ("revision", "path", "vary"),
    [
        (PATHS, "/v1", ()),
        (ALL, "/", ("accept", "cookie", "x-version")),
        (Revision(1, (*ALL.rules, rule("/v1", "v1"))), "/v1", ()),
        (Revision(1, PATHS.rules, tuple(Override)), "/v1", ("cookie", "x-prevs-ref")),
        (Revision(1, PATHS.rules, tuple(Override)), "*", ("cookie", "x-prevs-ref")),
        (Revision(1, (Rule("/", CANARY),)), "/", ("*",)),
        (Revision(1, (Rule("/", CANARY, sticky=Sticky.COOKIE),)), "/", ("cookie",)),
        # The weights of the rule above, which decides here.
        (Revision(1, (Rule("/", CANARY), rule("/a", "b", CONDITIONS[HEADER]))), "/a", ("*",)),
        # Weights of a condition: a request without its value is answered like all such.
        (Revision(1, (rule("/", "a"), Rule("/", CANARY, CONDITIONS[QUERY]))), "/", ("*",)),
    ],
)
def test_vary_names_all_that_may_decide_at_a_path(
    revision: Revision, path: str, vary: tuple[str, ...]
) -> None:
    assert choose(revision, ask(path)).vary == vary


def test_a_lot_decides_among_weighted_targets() -> None:
    revision = Revision(1, (Rule("/", CANARY),))
    assert [choice(revision, ask(lot=lot))[0] for lot in (0, 999, 1000, 9999)] == [
        "pr-7",
        "pr-7",
        "main",
        "main",
    ]


@pytest.mark.parametrize(
    ("cookie", "label"),
    [("0999", "pr-7"), ("1000", "main"), ("999", "pr-7"), ("09990", "pr-7"), ("\uff10999", "pr-7")],
)
def test_the_lot_of_a_cookie_counts_if_it_is_one(cookie: str, label: str) -> None:
    sticky = Revision(1, (Rule("/", CANARY, sticky=Sticky.COOKIE),))
    by_address = Revision(1, (Rule("/", CANARY),))
    cookies = {"prevs-lot": cookie}
    assert choice(sticky, ask(cookies=cookies, lot=0))[0] == label
    assert choice(by_address, ask(cookies=cookies, lot=5000))[0] == "main"


@st.composite
def weights(draw: st.DrawFn) -> list[int]:
    """Draw the weights of one to three targets."""
    cuts = sorted(draw(st.lists(st.integers(0, LOTS), max_size=2)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, LOTS], strict=True)]


def find(given_: list[int], lot: int) -> str:
    targets = [Target(f"t{place}", weight) for place, weight in enumerate(given_)]
    return find_target(targets, lot).label


@pytest.mark.parametrize(
    "given_",
    [[10000], [9000, 1000], [0, 10000], [0, 0, 10000], [3333, 3333, 3334], [9998, 1, 1]],
    ids=str,
)
def test_each_target_has_as_many_lots_as_its_weight(given_: list[int]) -> None:
    found = [find(given_, lot) for lot in range(LOTS)]
    assert [found.count(f"t{place}") for place in range(len(given_))] == given_


@given(weights(), st.data())
def test_a_raised_weight_moves_nobody_but_from_the_first_target_to_that_one(
    before: list[int], data: st.DataObject
) -> None:
    raised = data.draw(st.integers(0, len(before) - 1))
    more = data.draw(st.integers(0, before[0]))
    after = [before[0] - more, *before[1:]]
    after[raised] += more
    borders = [lot for weight in (*before, *after) for lot in (weight - 1, weight, LOTS - weight)]
    for lot in [*data.draw(st.lists(st.integers(0, LOTS - 1))), *borders]:
        was, now = find(before, lot), find(after, lot)
        assert was == now or (was, now) == ("t0", f"t{raised}")
