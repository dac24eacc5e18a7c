import pytest

from proxy.model import gate_problems


@pytest.mark.parametrize(
    ("cause", "status", "slug", "says"),
    [
        ("unknown-version hx-version", 400, "unknown-version", "what the header x-version says"),
        ("unknown-version a", 400, "unknown-version", "what the header Accept says"),
        ("unknown-version qv", 400, "unknown-version", "what the query parameter v says"),
        ("invalid-override h", 400, "invalid-override", "The header x-prevs-ref names"),
        ("no-rule", 404, "no-rule", "api.localhost has no rule"),
    ],
)
def test_a_refusal_says_what_it_is_about(cause: str, status: int, slug: str, says: str) -> None:
    problem = gate_problems.refused("api.localhost", cause)
    assert (problem.status, problem.slug) == (status, slug)
    assert says in problem.detail
