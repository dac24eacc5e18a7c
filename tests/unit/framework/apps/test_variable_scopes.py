import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.apps.variable_scopes import (
    PATTERN,
    GivenFor,
    VariableScope,
    find_patterns_problem,
    matches,
)
from framework.errors import InvalidSettings

MAIN = VariableScope(branches=("main", "release/*"), tags=("v?.*",))


@pytest.mark.parametrize(
    ("refs", "has_it"),
    [
        (("heads/main",), True),
        (("heads/release/1",), True),
        (("tags/v1.2",), True),
        (("heads/evil", "heads/main"), True),
        ((), False),
        (("heads/evil",), False),
        (("heads/Main",), False),
        (("heads/main2",), False),
        (("heads/x/main",), False),
        (("heads/release/1/2",), False),
        (("tags/main",), False),
        (("tags/release/1",), False),
        (("heads/v1.2",), False),
        (("tags/v10.2",), False),
    ],
)
def test_a_commit_has_it_if_a_branch_or_tag_leads_there(
    refs: tuple[str, ...], has_it: bool
) -> None:
    assert MAIN.holds(refs) is has_it
    assert VariableScope(given_for=GivenFor.RUN).holds(refs)


@pytest.mark.parametrize(
    ("pattern", "name", "is_one"),
    [
        ("**", "a/b/c", True),
        ("release/**", "release/1/2", True),
        ("release/**", "release", False),
        ("release/**", "releases/1", False),
        ("*", "a/b", False),
        ("*/*", "a/b", True),
        ("a[bc]", "ac", True),
        ("a[bc]", "ad", False),
        ("a.b", "axb", False),
    ],
)
def test_a_pattern_selects_its_branches_and_tags(pattern: str, name: str, is_one: bool) -> None:
    assert matches(pattern, name) is is_one


@pytest.mark.parametrize(
    "pattern",
    ["", "a b", "a,b", "a\n", "/a", "a/", "a//b", "refs/heads/main", "**/a", "a**", "x" * 201],
)
def test_invalid_patterns_are_refused(pattern: str) -> None:
    assert find_patterns_problem(["main", pattern])
    assert find_patterns_problem(["main", "release/*"]) is None
    assert find_patterns_problem(["main"] * 21)


@given(st.text(st.sampled_from("ar*/efs, \n\u200b\xa0ф"), max_size=8))
def test_the_pattern_in_the_apis_description_matches_what_is_accepted(pattern: str) -> None:
    is_one = re.fullmatch(PATTERN, pattern) is not None
    assert (find_patterns_problem([pattern]) is None) is is_one


def test_a_new_value_keeps_its_scopes() -> None:
    some = app_secrets.with_variable(
        AppSecrets("shop"), "A", Variable("1"), {"branches": ("main",), "given_for": GivenFor.RUN}
    )
    some = app_secrets.with_variable(some, "A", Variable("2"))
    assert some.variables["A"] == Variable("2", scope=VariableScope(("main",), (), GivenFor.RUN))
    some = app_secrets.with_variable(some, "A", Variable("3"), {"tags": ("v*",)})
    assert some.variables["A"].scope == VariableScope(("main",), ("v*",), GivenFor.RUN)
    some = app_secrets.with_variable(some, "A", Variable("3"), {"branches": (), "tags": ()})
    assert some.variables["A"].scope.is_for_all
    with pytest.raises(InvalidSettings):
        app_secrets.with_variable(some, "A", Variable("3"), {"branches": ("a b",)})


def test_a_stored_variable_without_a_scope_is_for_all() -> None:
    stored = b'{"app":"shop","variables":{"A":{"changed":1.5,"secret":true,"value":"1"}},"v":1}'
    assert AppSecrets.decode(stored).variables["A"] == Variable("1", changed=1.5)
    assert AppSecrets.decode(stored).for_refs(()).secrets == {"A": "1"}
