"""What visitors are told of a problem, by how much an app's room shows."""

import pytest

from proxy.model.problems import Problem
from proxy.pages.brief import tell_visitor

UNREACHABLE = Problem(
    "repository-unreachable",
    "?",
    502,
    "The repository of 'hello' cannot be read (/srv/git/hello): it is gone",
    {"app": "hello", "repository": "/srv/git/hello"},
)
UNKNOWN = Problem("unknown-label", "?", 404, "No.", {"app": "hello", "candidates": [1]})


@pytest.mark.parametrize("shows_all", [True, False])
def test_where_a_repository_is_and_what_it_says_no_visitor_is_told(shows_all: bool) -> None:
    told = tell_visitor(UNREACHABLE, shows_all=shows_all)
    assert told.status == 502
    assert b"/srv" not in told.body()
    assert "cannot be read now" in told.detail


def test_what_may_be_meant_is_told_where_all_is_shown() -> None:
    assert tell_visitor(UNKNOWN, shows_all=True) == UNKNOWN
    assert tell_visitor(UNKNOWN, shows_all=False).fields == {"app": "hello"}
