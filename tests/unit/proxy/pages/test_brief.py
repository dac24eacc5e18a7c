"""What visitors see of a problem, by the setting of the app's room."""

import pytest

from proxy.model.problems import Problem
from proxy.pages.brief import hide_details

UNREACHABLE = Problem(
    "repository-unreachable",
    "?",
    502,
    "The repository of 'hello' cannot be read (/srv/git/hello): it is gone",
    {"app": "hello", "repository": "/srv/git/hello"},
)
UNKNOWN = Problem("unknown-label", "?", 404, "No.", {"app": "hello", "candidates": [1]})


@pytest.mark.parametrize("shows_all", [True, False])
def test_a_visitor_sees_neither_address_nor_message_of_a_repository(shows_all: bool) -> None:
    shown = hide_details(UNREACHABLE, shows_all=shows_all)
    assert shown.status == 502
    assert b"/srv" not in shown.body()
    assert "cannot be read now" in shown.detail


def test_open_variants_are_named_as_the_framework_names_only_those_that_anybody_may_see() -> None:
    known = {"candidates": [{"label": "x", "url": "http://x--shop.localhost/"}]}
    problem = Problem("unknown-variant", "?", 404, "It has x.", known)
    assert hide_details(problem, shows_all=False) == problem


def test_candidates_are_shown_only_on_a_full_page() -> None:
    assert hide_details(UNKNOWN, shows_all=True) == UNKNOWN
    assert hide_details(UNKNOWN, shows_all=False).fields == {"app": "hello"}
